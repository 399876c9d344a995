//! Connections: accepted, secured, bounded in number and time.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::net::sockopt::set_tcp_user_timeout;
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

use super::{
    Doors,
    door::Source,
    house::{Denial, House},
    limits::Entered,
    names::Names,
    patient::Patient,
    place::UnixDoor,
    routes,
};

/// Connections at once: consoles by the hundred, and no more files than a process may have.
const MAX_CONNECTIONS: usize = 512;
/// How long a caller may take for its headers, and for TLS before them.
const HEADERS: Duration = Duration::from_secs(10);
/// The most bytes of a request's headers.
const MAX_HEADERS: usize = 16 << 10;

/// Doors that are open, and not served yet.
pub(super) struct Opened {
    tcp: Option<(TcpListener, SocketAddr)>,
    tls: Option<Tls>,
    unix: Option<UnixDoor>,
}

impl Opened {
    /// Opens doors, within a runtime.
    pub(super) fn open(doors: &Doors) -> io::Result<Opened> {
        let tls = match &doors.tls {
            Some((chain, key)) => Some(Tls::read(chain, key)?),
            None => None,
        };
        let tcp = match doors.listen {
            Some(address) => {
                let named =
                    |error: io::Error| io::Error::new(error.kind(), format!("{address}: {error}"));
                let socket = std::net::TcpListener::bind(address).map_err(named)?;
                socket.set_nonblocking(true)?;
                let socket = TcpListener::from_std(socket)?;
                let address = socket.local_addr()?;
                Some((socket, address))
            }
            None => None,
        };
        let unix = doors.unix.as_deref().map(UnixDoor::open).transpose()?;
        Ok(Opened { tcp, tls, unix })
    }

    /// Returns what the server is called.
    pub(super) fn names(&self, doors: &Doors) -> Names {
        let certificate = self.tls.as_ref().map(|tls| tls.certificate.clone());
        Names::new(doors.names.iter().cloned(), certificate)
    }

    /// Returns where it listens by TCP.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.tcp.as_ref().map(|(_, address)| *address)
    }

    /// Serves until the house ends.
    pub(super) async fn serve(self, house: Arc<House>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let acceptor = self.tls.map(|tls| tls.acceptor);
        let tcp = async {
            match self.tcp {
                Some((socket, _)) => accept_tcp(socket, acceptor, &house, &places).await,
                None => std::future::pending().await,
            }
        };
        let unix = async {
            match &self.unix {
                Some(door) => accept_unix(&door.socket, &house, &places).await,
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

/// What a connection takes, as long as anybody holds it: a websocket does when its request is long over.
pub(super) struct Held {
    _place: OwnedSemaphorePermit,
    _entered: Option<Entered>,
}

async fn place(places: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(places).acquire_owned().await.ok()
}

async fn accept_tcp(
    socket: TcpListener,
    tls: Option<TlsAcceptor>,
    house: &Arc<House>,
    places: &Arc<Semaphore>,
) {
    while let Some(place) = place(places).await {
        let (stream, address) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                unaccepted(&error).await;
                continue;
            }
        };
        let source = Source::Tcp {
            address,
            tls: tls.is_some(),
        };
        let Some(entered) = house.limits.enter(address.ip()) else {
            let denial = Denial::new("too many connections", "too many connections");
            house.deny(&denial, None, &source.to_string(), "connect".into());
            continue;
        };
        // A console's keys are small, and must not wait for more.
        let _ = stream.set_nodelay(true);
        // A machine that is gone without a word acknowledges no beat, and its connection ends.
        let _ = set_tcp_user_timeout(&stream, millis(house.pace.stalled));
        let stream = Patient::new(stream, house.pace.stalled);
        let (house, tls) = (Arc::clone(house), tls.clone());
        let held = Arc::new(Held {
            _place: place,
            _entered: Some(entered),
        });
        tokio::spawn(async move {
            match tls {
                None => serve_connection(stream, source, house, held).await,
                Some(tls) => match timeout(HEADERS, tls.accept(stream)).await {
                    Ok(Ok(stream)) => serve_connection(stream, source, house, held).await,
                    Ok(Err(error)) => tracing::debug!(%error, %address, "no TLS came about"),
                    Err(_) => tracing::debug!(%address, "TLS took too long"),
                },
            }
        });
    }
}

async fn accept_unix(socket: &UnixListener, house: &Arc<House>, places: &Arc<Semaphore>) {
    while let Some(place) = place(places).await {
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
        let stream = Patient::new(stream, house.pace.stalled);
        let held = Arc::new(Held {
            _place: place,
            _entered: None,
        });
        tokio::spawn(serve_connection(
            stream,
            Source::Unix { uid },
            Arc::clone(house),
            held,
        ));
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

async fn unaccepted(error: &io::Error) {
    tracing::warn!(%error, "a connection was not accepted");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    source: Source,
    house: Arc<House>,
    held: Arc<Held>,
) {
    let ended = Arc::clone(&house);
    let app = routes::router(house).map_request(move |mut request: hyper::Request<_>| {
        let extensions = request.extensions_mut();
        extensions.insert(source);
        extensions.insert(Arc::clone(&held));
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

/// What TLS takes.
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    /// The server's own certificate.
    certificate: CertificateDer<'static>,
}

impl Tls {
    /// Reads a chain of certificates and the key of the first.
    pub(super) fn read(chain: &Path, key: &Path) -> io::Result<Tls> {
        let bad = |path: &Path, what: String| {
            let what = format!("{}: {what}", path.display());
            io::Error::new(io::ErrorKind::InvalidInput, what)
        };
        let read = |path: &Path| fs::read(path).map_err(|error| bad(path, error.to_string()));
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(chain)?).collect();
        let found = found.map_err(|error| bad(chain, format!("no certificate: {error}")))?;
        let Some(certificate) = found.first().cloned() else {
            return Err(bad(chain, "there is no certificate in it".into()));
        };
        let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
            .map_err(|error| bad(key, format!("no private key: {error}")))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| bad(chain, error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(found, secret)
            .map_err(|error| bad(key, error.to_string()))?;
        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }
}
