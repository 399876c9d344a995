//! Connections: accepted, secured, bounded in number and time.

use std::{fs, io, net::SocketAddr, os::unix::fs::PermissionsExt as _, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tower::ServiceExt as _;

use super::{Doors, door::Source, house::House, routes};

/// Connections at once: consoles by the hundred, and no more files than a process may have.
const MAX_CONNECTIONS: usize = 512;
/// How long a caller may take for its headers, and for TLS before them.
const HEADERS: Duration = Duration::from_secs(10);
/// The most bytes of a request's headers.
const MAX_HEADERS: usize = 16 << 10;

/// A connection's place among those that there may be, kept as long as any part of it is.
#[derive(Clone)]
pub(super) struct Seat {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// Doors that are open, and not served yet.
pub(super) struct Opened {
    tcp: Option<(TcpListener, SocketAddr, Option<TlsAcceptor>)>,
    unix: Option<UnixListener>,
}

impl Opened {
    /// Opens doors, within a runtime.
    pub(super) fn open(doors: &Doors) -> io::Result<Opened> {
        let tls = match &doors.tls {
            Some((chain, key)) => Some(acceptor(chain, key)?),
            None => None,
        };
        let tcp = match doors.listen {
            Some(address) => {
                let socket = std::net::TcpListener::bind(address)?;
                socket.set_nonblocking(true)?;
                let socket = TcpListener::from_std(socket)?;
                let address = socket.local_addr()?;
                Some((socket, address, tls))
            }
            None => None,
        };
        let unix = match &doors.unix {
            Some(path) => {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
                let socket = UnixListener::bind(path)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
                Some(socket)
            }
            None => None,
        };
        Ok(Opened { tcp, unix })
    }

    /// Returns where it listens by TCP.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().map(|(_, address, _)| *address)
    }

    /// Serves until the house ends.
    pub(super) async fn serve(self, house: Arc<House>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let tcp = async {
            match self.tcp {
                Some((socket, _, tls)) => accept_tcp(socket, tls, &house, &places).await,
                None => std::future::pending().await,
            }
        };
        let unix = async {
            match self.unix {
                Some(socket) => accept_unix(socket, &house, &places).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tcp => {}
            () = unix => {}
            () = house.ended() => {}
        }
        // Who is connected says goodbye by itself.
        let every = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
        let _ = timeout(super::GRACE, places.acquire_many(every)).await;
    }
}

async fn seat(places: &Arc<Semaphore>) -> Option<Seat> {
    let permit = Arc::clone(places).acquire_owned().await.ok()?;
    Some(Seat {
        _permit: Arc::new(permit),
    })
}

async fn accept_tcp(
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    house: &Arc<House>,
    places: &Arc<Semaphore>,
) {
    while let Some(seat) = seat(places).await {
        let (stream, address) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                unaccepted(&error).await;
                continue;
            }
        };
        // A console's keys are small, and must not wait for more.
        let _ = stream.set_nodelay(true);
        let (house, tls) = (Arc::clone(house), tls.clone());
        tokio::spawn(async move {
            let source = Source::Tcp(address);
            match tls {
                None => serve_connection(stream, source, house, seat).await,
                Some(tls) => match timeout(HEADERS, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve_connection(stream, source, house, seat).await,
                    Ok(Err(error)) => tracing::debug!(%error, %address, "no TLS came about"),
                    Err(_) => tracing::debug!(%address, "TLS took too long"),
                },
            }
        });
    }
}

async fn accept_unix(socket: UnixListener, house: &Arc<House>, places: &Arc<Semaphore>) {
    while let Some(seat) = seat(places).await {
        let (stream, uid) = match socket.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(credentials) => (stream, credentials.uid()),
                Err(error) => {
                    tracing::debug!(%error, "the kernel does not say who connected");
                    continue;
                }
            },
            Err(error) => {
                unaccepted(&error).await;
                continue;
            }
        };
        let house = Arc::clone(house);
        tokio::spawn(async move {
            serve_connection(stream, Source::Unix { uid }, house, seat).await;
        });
    }
}

async fn unaccepted(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    source: Source,
    house: Arc<House>,
    seat: Seat,
) {
    let ended = Arc::clone(&house);
    let app = routes::router(house).map_request(move |mut request: hyper::Request<_>| {
        request.extensions_mut().insert(source);
        request.extensions_mut().insert(seat.clone());
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = ended.ended() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

fn acceptor(chain: &std::path::Path, key: &std::path::Path) -> io::Result<TlsAcceptor> {
    let bad = |path: &std::path::Path, what: String| {
        let what = format!("{}: {what}", path.display());
        io::Error::new(io::ErrorKind::InvalidInput, what)
    };
    let read =
        |path: &std::path::Path| fs::read(path).map_err(|error| bad(path, error.to_string()));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(chain)?).collect();
    let certificates =
        certificates.map_err(|error| bad(chain, format!("no certificate: {error}")))?;
    if certificates.is_empty() {
        return Err(bad(chain, "there is no certificate in it".into()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| bad(key, format!("no private key: {error}")))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(chain, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, secret)
        .map_err(|error| bad(key, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
