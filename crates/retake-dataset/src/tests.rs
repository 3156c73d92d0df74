mod imported;
mod keys;
mod made;
mod merged;
mod rows;
mod said;
