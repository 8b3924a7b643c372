//! Certificate and key, read once at the start. Whatever is wrong with either is told together, by the setting that
//! names it.

use rustls::Error;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use truecount::config::{Mistake, TlsFiles, plain_file, readable_by_others};

/// Reads certificate and key.
pub fn read(files: &TlsFiles) -> Result<TlsAcceptor, Vec<Mistake>> {
    let pair = match (certificates(&files.cert), private_key(&files.key)) {
        (Ok(chain), Ok(key)) => acceptor(chain, key).map_err(|error| match error {
            Error::InvalidCertificate(why) => {
                vec![certificate_mistake(format!("{} holds no usable certificate: {why}", files.cert.display()))]
            }
            Error::InconsistentKeys(_) => {
                let cert = files.cert.display();
                vec![key_mistake(format!("{} does not belong to the certificate in {cert}", files.key.display()))]
            }
            other => vec![key_mistake(format!("{} cannot be used: {other}", files.key.display()))],
        }),
        (chain, key) => {
            Err(chain.err().map(certificate_mistake).into_iter().chain(key.err().map(key_mistake)).collect())
        }
    };
    pair.map(|config| TlsAcceptor::from(Arc::new(config)))
}

fn certificate_mistake(wrong: String) -> Mistake {
    Mistake { name: "TLS_CERT_FILE", wrong, example: "/etc/truecount/tls.crt" }
}

fn key_mistake(wrong: String) -> Mistake {
    Mistake { name: "TLS_KEY_FILE", wrong, example: "/etc/truecount/tls.key" }
}

/// Most that is read of a file; certificates are a few thousand bytes.
const LONGEST: u64 = 1024 * 1024;

/// The whole of a plain file that can hold PEM.
fn contents(file: &Path) -> Result<Vec<u8>, String> {
    plain_file(file).map_err(|error| unreadable(file, error))?;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(LONGEST + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(file, error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{} is longer than {LONGEST} bytes and was not read", file.display()));
    }
    Ok(bytes)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = contents(file)?;
    let chain =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().map_err(|error| unreadable(file, error))?;
    if chain.is_empty() { Err(format!("{} holds no certificate in PEM", file.display())) } else { Ok(chain) }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let (pem, shown) = (contents(file)?, file.display());
    if readable_by_others(file).map_err(|error| unreadable(file, error))? {
        return Err(format!("{shown} can be read by others; run: chmod 600 {shown}"));
    }
    let says = |words: &str| pem.windows(words.len()).any(|part| part == words.as_bytes());
    if says("BEGIN ENCRYPTED PRIVATE KEY") || says("Proc-Type: 4,ENCRYPTED") {
        return Err(format!(
            "{shown} has a password, which nobody is there to type when we start; take it off with \
             openssl pkey -in {shown} -out NEW, and keep the new file private"
        ));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        pem::Error::NoItemsFound => format!("{shown} holds no private key in PEM"),
        error => unreadable(file, error),
    })
}

fn unreadable(file: &Path, why: impl std::fmt::Display) -> String {
    format!("{} cannot be read: {why}", file.display())
}

fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<rustls::ServerConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
