use std::{
    io::ErrorKind,
    net::{IpAddr, TcpListener},
    path::PathBuf,
};

use crate::BusError;

/// Identity for connections beyond this machine. Both sides must show a certificate that `ca` signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Certificate of the authority that signed all nodes' certificates.
    pub ca: PathBuf,
    /// This node's certificate.
    pub cert: PathBuf,
    /// This node's private key.
    pub key: PathBuf,
}

/// Where a node listens and whom it calls. Nothing is discovered: what is not written here is not connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Own addresses, such as `tcp/127.0.0.1:7600`.
    pub listen: Vec<String>,
    /// Addresses of the nodes to call. A node that is not up yet is called again until it is.
    pub connect: Vec<String>,
    /// Needed for any address that is not loopback.
    pub tls: Option<Tls>,
}

impl Endpoints {
    /// Refuses what is malformed or exposed.
    ///
    /// # Errors
    /// The first endpoint that must not be used, and why.
    pub fn check(&self) -> Result<(), BusError> {
        for endpoint in self.listen.iter().chain(&self.connect) {
            let Address { tls, host, .. } = parse(endpoint)?;
            let sealed = tls && self.tls.is_some();
            if (!sealed && !is_loopback(host)) || (tls && self.tls.is_none()) {
                return Err(BusError::Exposed { endpoint: endpoint.clone() });
            }
        }
        for path in self.tls.iter().flat_map(|tls| [&tls.ca, &tls.cert, &tls.key]) {
            std::fs::File::open(path)
                .map_err(|source| BusError::TlsFile { path: path.display().to_string(), source })?;
        }
        Ok(())
    }

    /// Tries each own port, because zenoh's own error does not say which one was taken.
    ///
    /// # Errors
    /// If one cannot be listened on.
    pub fn probe(&self) -> Result<(), BusError> {
        for endpoint in &self.listen {
            let Address { host, port, .. } = parse(endpoint)?;
            TcpListener::bind((host, port)).map_err(|source| {
                if source.kind() == ErrorKind::AddrInUse {
                    BusError::PortInUse { host: host.to_owned(), port }
                } else {
                    BusError::Listen { endpoint: endpoint.clone(), source }
                }
            })?;
        }
        Ok(())
    }
}

struct Address<'a> {
    tls: bool,
    host: &'a str,
    port: u16,
}

fn parse(endpoint: &str) -> Result<Address<'_>, BusError> {
    let bad = || BusError::BadEndpoint { endpoint: endpoint.to_owned() };
    // `?` and `#` would carry zenoh options past our own configuration.
    if endpoint.contains(['?', '#', ' ', ',']) {
        return Err(bad());
    }
    let (scheme, address) = endpoint.split_once('/').ok_or_else(bad)?;
    let tls = match scheme {
        "tcp" => false,
        "tls" => true,
        _ => return Err(bad()),
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(bad)?;
    if host.is_empty() || host.contains('/') {
        return Err(bad());
    }
    Ok(Address { tls, host, port })
}

fn is_loopback(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(endpoint: &str) -> Endpoints {
        Endpoints { listen: vec![endpoint.into()], ..Endpoints::default() }
    }

    #[test]
    fn loopback_needs_no_tls() {
        for good in ["tcp/127.0.0.1:7600", "tcp/localhost:1", "tcp/[::1]:7600", "tcp/127.3.2.1:7600"] {
            assert!(listening(good).check().is_ok(), "{good}");
        }
    }

    #[test]
    fn anything_else_without_tls_is_refused_in_both_directions() {
        for bad in [
            "tcp/0.0.0.0:7600",
            "tcp/[::]:7600",
            "tcp/192.168.0.4:7600",
            "tcp/robot.lan:7600",
            "tls/robot.lan:7600",
        ] {
            assert!(matches!(listening(bad).check(), Err(BusError::Exposed { .. })), "{bad}");
            let calls = Endpoints { connect: vec![bad.into()], ..Endpoints::default() };
            let error = calls.check().unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains("use 127.0.0.1"), "{error}");
        }
    }

    #[test]
    fn malformed_endpoints_are_refused() {
        let bad =
            ["", "tcp", "tcp/", "tcp/127.0.0.1", "tcp/127.0.0.1:0", "tcp/127.0.0.1:99999", "udp/127.0.0.1:1"];
        for bad in bad.into_iter().chain(["tcp/127.0.0.1:1#iface=eth0", "tcp/127.0.0.1:1?rel=0", "tcp/:1"]) {
            assert!(matches!(listening(bad).check(), Err(BusError::BadEndpoint { .. })), "{bad}");
        }
    }

    #[test]
    fn tls_opens_the_network_only_with_files_that_exist() {
        let file = std::env::current_exe().unwrap();
        let whole = Tls { ca: file.clone(), cert: file.clone(), key: file };
        let mut endpoints = Endpoints { tls: Some(whole.clone()), ..listening("tls/192.168.0.4:7600") };
        assert!(endpoints.check().is_ok());
        endpoints.listen = vec!["tcp/192.168.0.4:7600".into()];
        assert!(matches!(endpoints.check(), Err(BusError::Exposed { .. })));
        endpoints.listen.clear();
        endpoints.tls = Some(Tls { key: "/nowhere/key.pem".into(), ..whole });
        assert!(endpoints.check().unwrap_err().to_string().contains("/nowhere/key.pem"));
    }
}
