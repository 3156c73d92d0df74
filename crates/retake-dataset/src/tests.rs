mod imported;
