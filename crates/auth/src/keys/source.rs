//! Where an issuer's keys come from, and how they are kept fresh.
//!
//! 1. Only [`KeySource::run`] fetches, one refresh at a time; a request reads what is there.
//! 2. A set is refreshed before `refresh` is over, a little earlier at random, so that many
//!    gateways do not ask at once. After a failure it is tried again after 1, 2, 4 … 60 seconds.
//! 3. A request with an unknown `kid` asks for a refresh and waits for it briefly, so that a new
//!    key of the issuer works at once; that happens at most every 30 seconds, or anyone could
//!    make the gateway hammer the issuer.
//! 4. After a failure the last good set is used until it is `stale_max` old; then there is none,
//!    and tokens of the issuer are answered with 503.
//! 5. A file is looked at every 5 seconds and read again when its time or size has changed.
//!
//! What it does not catch: a key that the issuer withdraws stays good until the next refresh.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::rand;
use bytes::Bytes;
use http::Uri;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::fetch::{DOCUMENT_BYTES_MAX, Fetch, is_loopback};
use crate::keys::KeySet;
use crate::keys::load::{FETCH_TIME_MAX, FileStamp, LoadError, jwks_uri, read_file};

/// Unknown key ids cause a refresh at most this often.
pub(crate) const FORCED_EVERY: Duration = Duration::from_secs(30);

/// A request waits this long for the refresh that an unknown key id caused.
pub(crate) const FORCED_WAIT: Duration = Duration::from_secs(5);

/// How often a file is looked at.
const FILE_EVERY: Duration = Duration::from_secs(5);

/// First and longest pause after a failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Where a set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Given once, never refreshed, never stale.
    Fixed,
    /// A file.
    File(PathBuf),
    /// A JWK set at a URL.
    Url(Uri),
    /// A discovery document at a URL, which names the JWK set.
    Discovery(Uri),
}

/// What a source is made of.
#[derive(Debug, Clone)]
pub(crate) struct SourceSpec {
    /// The policy's name of the issuer, for logs.
    pub(crate) name: Arc<str>,
    /// `iss`; discovery must confirm it.
    pub(crate) issuer: Arc<str>,
    pub(crate) origin: Origin,
    pub(crate) refresh: Duration,
    pub(crate) stale_max: Duration,
}

/// The keys of one issuer, kept fresh.
#[derive(Debug)]
pub(crate) struct KeySource {
    spec: SourceSpec,
    fetch: Arc<dyn Fetch>,
    held: ArcSwapOption<Held>,
    /// Asks the background task for a refresh.
    wake: Notify,
    /// Counts refreshes that ended, well or badly.
    attempts: watch::Sender<u64>,
    /// Whether a refresh is asked for or in flight.
    pending: AtomicBool,
    forced: Mutex<Option<Instant>>,
}

/// A set, and when it was last known to be the issuer's.
#[derive(Debug, Clone)]
struct Held {
    set: Arc<KeySet>,
    confirmed: Instant,
    file: Option<FileStamp>,
}

// === impl KeySource ===

impl KeySource {
    pub(crate) fn new(spec: SourceSpec, fetch: Arc<dyn Fetch>) -> Self {
        Self {
            spec,
            fetch,
            held: ArcSwapOption::empty(),
            wake: Notify::new(),
            attempts: watch::Sender::new(0),
            pending: AtomicBool::new(false),
            forced: Mutex::new(None),
        }
    }

    /// Gives it a set from the start.
    pub(crate) fn with_set(self, set: KeySet) -> Self {
        self.hold(set, None);
        self
    }

    /// Takes over the set of `previous`, where it is for the same issuer and origin, so that a
    /// reload never begins without keys.
    pub(crate) fn with_previous(self, previous: &Self) -> Self {
        if previous.spec.issuer == self.spec.issuer && previous.spec.origin == self.spec.origin {
            self.held.store(previous.held.load_full());
            *self.forced.lock() = *previous.forced.lock();
        }
        self
    }

    pub(crate) const fn spec(&self) -> &SourceSpec {
        &self.spec
    }

    /// Looks at the current set; `None` if there is none or it is too old. Called on every
    /// request: no lock, no allocation.
    pub(crate) fn with_current<R>(
        &self,
        now: Instant,
        look: impl FnOnce(&KeySet) -> R,
    ) -> Option<R> {
        let held = self.held.load();
        let held = held.as_ref()?;
        (!self.is_stale(held, now)).then(|| look(&held.set))
    }

    fn is_stale(&self, held: &Held, now: Instant) -> bool {
        self.spec.origin != Origin::Fixed
            && now.saturating_duration_since(held.confirmed) > self.spec.stale_max
    }

    /// The number of usable keys and the time since the set was confirmed.
    pub(crate) fn status(&self, now: Instant) -> Option<(usize, Duration)> {
        let held = self.held.load();
        let held = held.as_ref()?;
        (!self.is_stale(held, now)).then(|| {
            let age = now.saturating_duration_since(held.confirmed);
            (held.set.len(), age)
        })
    }

    /// Has the set refreshed because of an unknown key id and waits for it; false if it is too
    /// soon for that. Cancel safe: the refresh goes on without the waiter.
    pub(crate) async fn refreshed_for_unknown_key(&self) -> bool {
        let mut attempts = self.attempts.subscribe();
        if !self.join_or_force(Instant::now()) {
            return false;
        }
        matches!(timeout(FORCED_WAIT, attempts.changed()).await, Ok(Ok(())))
    }

    fn join_or_force(&self, now: Instant) -> bool {
        if self.spec.origin == Origin::Fixed {
            return false;
        }
        let mut forced = self.forced.lock();
        if self.pending.load(Ordering::Acquire) {
            return true;
        }
        if forced.is_some_and(|last| now.saturating_duration_since(last) < FORCED_EVERY) {
            return false;
        }
        *forced = Some(now);
        self.pending.store(true, Ordering::Release);
        self.wake.notify_one();
        true
    }

    /// Keeps the set fresh; never ends.
    pub(crate) async fn run(&self) {
        if self.spec.origin == Origin::Fixed {
            return std::future::pending().await;
        }
        let mut failures = 0;
        let mut pause = self.first_pause();
        loop {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.wake.notified() => {}
            }
            self.pending.store(true, Ordering::Release);
            let outcome = self.refresh().await;
            self.pending.store(false, Ordering::Release);
            self.attempts
                .send_modify(|count| *count = count.wrapping_add(1));
            pause = match outcome {
                Ok(()) => {
                    failures = 0;
                    self.usual_pause()
                }
                Err(error) => {
                    let issuer = &*self.spec.name;
                    tracing::warn!(issuer, %error, "key set could not be refreshed");
                    failures += 1;
                    retry_pause(failures).min(self.usual_pause())
                }
            };
        }
    }

    /// At once without a set; after a reload, when the set taken over is due.
    fn first_pause(&self) -> Duration {
        self.held.load().as_ref().map_or(Duration::ZERO, |held| {
            self.usual_pause().saturating_sub(held.confirmed.elapsed())
        })
    }

    fn usual_pause(&self) -> Duration {
        match self.spec.origin {
            Origin::File(_) => FILE_EVERY,
            Origin::Fixed | Origin::Url(_) | Origin::Discovery(_) => {
                self.spec.refresh.mul_f64(1.0 - 0.2 * random_fraction())
            }
        }
    }

    async fn refresh(&self) -> Result<(), LoadError> {
        match &self.spec.origin {
            Origin::Fixed => Ok(()),
            Origin::File(path) => self.refresh_file(path.clone()).await,
            Origin::Url(url) => self.refresh_url(url).await,
            Origin::Discovery(url) => {
                let document = self.document(url).await?;
                let jwks = jwks_uri(&document, &self.spec.issuer, is_loopback(url))?;
                self.refresh_url(&jwks).await
            }
        }
    }

    async fn refresh_url(&self, url: &Uri) -> Result<(), LoadError> {
        let document = self.document(url).await?;
        let name = self.spec.name.clone();
        // 256 RSA keys take milliseconds to check.
        let set = tokio::task::spawn_blocking(move || KeySet::parse(&name, &document))
            .await
            .map_err(|_| LoadError::Interrupted)??;
        self.hold(set, None);
        Ok(())
    }

    async fn document(&self, url: &Uri) -> Result<Bytes, LoadError> {
        let document = timeout(FETCH_TIME_MAX, self.fetch.fetch(url))
            .await
            .map_err(|_| LoadError::Timeout)?
            .map_err(LoadError::Fetch)?;
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(LoadError::TooLong);
        }
        Ok(document)
    }

    async fn refresh_file(&self, path: PathBuf) -> Result<(), LoadError> {
        let known = self.held.load().as_ref().and_then(|held| held.file);
        let name = self.spec.name.clone();
        let read = tokio::task::spawn_blocking(move || read_file(&name, &path, known))
            .await
            .map_err(|_| LoadError::Interrupted)??;
        match read {
            Some((set, stamp)) => self.hold(set, Some(stamp)),
            None => self.confirm(),
        }
        Ok(())
    }

    /// Reads the file now, on this thread, for the load of a policy; gives the number of keys.
    pub(crate) fn load_file(&self) -> Result<usize, LoadError> {
        let Origin::File(path) = &self.spec.origin else {
            return Ok(0);
        };
        let Some((set, stamp)) = read_file(&self.spec.name, path, None)? else {
            return Ok(0);
        };
        let keys = set.len();
        self.hold(set, Some(stamp));
        Ok(keys)
    }

    /// Takes `set` over. Equal keys keep their generation, so that verified tokens stay cached.
    fn hold(&self, set: KeySet, file: Option<FileStamp>) {
        let before = self.held.load_full();
        let set = match before.filter(|before| before.set.same_keys(&set)) {
            Some(before) => before.set.clone(),
            None => {
                let (issuer, keys) = (&*self.spec.name, set.len());
                tracing::info!(issuer, keys, "key set taken over");
                Arc::new(set)
            }
        };
        self.held.store(Some(Arc::new(Held {
            set,
            confirmed: Instant::now(),
            file,
        })));
    }

    fn confirm(&self) {
        if let Some(held) = self.held.load_full() {
            self.held.store(Some(Arc::new(Held {
                confirmed: Instant::now(),
                ..(*held).clone()
            })));
        }
    }
}

/// 1, 2, 4 … seconds, up to a minute, a little less at random.
fn retry_pause(failures: u32) -> Duration {
    let doubled = RETRY_MIN.saturating_mul(1 << failures.saturating_sub(1).min(6));
    doubled
        .min(RETRY_MAX)
        .mul_f64(1.0 - 0.2 * random_fraction())
}

/// 0 to 1; the middle if the random source fails, for nothing secret hangs on it.
fn random_fraction() -> f64 {
    let mut byte = [128_u8];
    match rand::fill(&mut byte) {
        Ok(()) | Err(_) => f64::from(byte[0]) / 255.0,
    }
}
