//! Entries: a key's value, or the sole right and duty to bring it.
//!
//! ```text
//! cargo run --example entry
//! ```
//!
//! Four scenes: threads and tasks that want something made once, counters that
//! lose nothing, an entry that is held across awaits, and one that is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use bellwether::{AsyncCache, BoxError, Cache, Entry};
use futures::future::join;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Threads or tasks in a scene.
const CROWD: u32 = 8;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    made_once().await?;
    visits_counted()?;
    held_across_awaits().await?;
    dropped().await?;
    Ok(())
}

/// Threads and tasks that all want the same template, which is dear to make.
async fn made_once() -> Result<(), BoxError> {
    println!("made once");
    let templates = Cache::<String, String>::builder().name("templates").build()?;
    let made = Arc::new(AtomicU32::new(0));

    let threads: Vec<_> = (0..CROWD)
        .map(|_| {
            let (templates, made) = (templates.clone(), Arc::clone(&made));
            thread::spawn(move || {
                let make = || {
                    made.fetch_add(1, Ordering::Relaxed);
                    "Dear {name}, …".to_owned()
                };
                templates.entry("letter".to_owned()).or_insert_with(make)
            })
        })
        .collect();
    // The other face of the same cache: tasks wait for threads, and threads for tasks.
    let mut tasks = JoinSet::new();
    for _ in 0..CROWD {
        let (templates, made) = (templates.to_async(), Arc::clone(&made));
        tasks.spawn(async move {
            let make = async || {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                "Dear {name}, …".to_owned()
            };
            templates.entry("letter".to_owned()).await.or_insert_with_async(make).await
        });
    }

    let mut letters = tasks.join_all().await;
    letters.extend(threads.into_iter().map(|thread| thread.join().expect("it doesn't panic")));
    let first = &letters[0];
    let all_same = letters.iter().all(|letter| Arc::ptr_eq(letter, first));
    println!("  {CROWD} threads and {CROWD} tasks asked, times it was made: {}", made.load(Ordering::Relaxed));
    println!("  all {} hold the very same one: {all_same}", letters.len());
    check(made.load(Ordering::Relaxed) == 1 && all_same, "the template is made once and shared")
}

/// What a web shop knows of a visitor.
#[derive(Clone, Default)]
struct Session {
    visits: u32,
    basket: Vec<String>,
}

/// Requests of one visitor that come in by several threads at once.
fn visits_counted() -> Result<(), BoxError> {
    const VISITS_EACH: u32 = 250;
    println!("\na session that many requests write");
    let sessions = Cache::<u64, Session>::builder().name("sessions").capacity(1_000).build()?;
    let visitor = 4711;

    thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| {
                for _ in 0..VISITS_EACH {
                    // Changes a copy, and puts it in the place of what it was copied from; if another thread
                    // was faster, once more from what that one left. So no visit is lost.
                    let session = sessions.entry(visitor).and_modify(|session| session.visits += 1);
                    session.or_insert(Session { visits: 1, basket: Vec::new() });
                }
            });
        }
    });
    let put = sessions.entry(visitor).and_modify(|session| session.basket.push("a bell".to_owned())).or_default();
    println!("  {CROWD} threads, {VISITS_EACH} visits each: {} were counted; in the basket: {}", put.visits, put.basket.join(", "));
    check(put.visits == CROWD * VISITS_EACH && put.basket.len() == 1, "no visit is lost")
}

/// A token that has to be fetched with several awaits, any of which may fail.
async fn held_across_awaits() -> Result<(), BoxError> {
    println!("\nan entry held across awaits");
    let tokens = AsyncCache::<&str, String>::builder().name("tokens").build_async()?;
    let attempts = Arc::new(AtomicU32::new(0));

    let mut tasks = JoinSet::new();
    for _ in 0..CROWD {
        let (tokens, attempts) = (tokens.clone(), Arc::clone(&attempts));
        tasks.spawn(async move {
            let log_in = async || {
                // No lock is held here, though everybody else waits for it.
                tokio::task::yield_now().await;
                match attempts.fetch_add(1, Ordering::Relaxed) {
                    0 => Err("the identity provider hung up"),
                    attempt => Ok(format!("token of attempt {}", attempt + 1)),
                }
            };
            tokens.entry("warehouse").await.or_try_insert_with_async(log_in).await
        });
    }

    let (tokens_got, errors): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    let attempts = attempts.load(Ordering::Relaxed);
    println!("  {CROWD} tasks asked, {attempts} attempts were made");
    for error in errors.iter().filter_map(|outcome| outcome.as_ref().err()) {
        println!("  one got its own error, and the next one took over: {error}");
    }
    if let Some(Ok(token)) = tokens_got.first() {
        println!("  {} got the {token}", tokens_got.len());
    }
    check(attempts == 2 && errors.len() == 1, "only the one that failed has the error")
}

/// The holder of a vacant entry goes away: a task that is aborted, say.
async fn dropped() -> Result<(), BoxError> {
    println!("\nan entry that is dropped");
    let pages = AsyncCache::<u32, String>::builder()
        .name("pages")
        .async_loader_fn(|page: u32| async move { bellwether::ok(format!("page {page}, by the loader")) })
        .build_async()?;

    // Without the loader: whoever waits by an entry is next.
    let (holder, taken) = hold(&pages, 1);
    taken.await?;
    println!("  somebody else holds page 1: {}", pages.try_entry(1).is_none());
    // It waits before the other half is looked at.
    let heir = async { pages.entry(1).await.or_insert("page 1, by its heir".to_owned()) };
    let (page, ()) = join(heir, async { holder.abort() }).await;
    println!("  the holder is gone, who waited by an entry has the lead: {page}");
    check(*page == "page 1, by its heir", "the lead passes on")?;

    // With it: whoever waits by a fetch gets what the loader brings.
    let (holder, taken) = hold(&pages, 2);
    taken.await?;
    let fetch = pages.fetch_with(&2);
    let joined = pages.metrics().joined;
    holder.abort();
    let page = fetch.await?;
    println!("  the holder is gone, who waited by a fetch has: {page}");
    check(*page == "page 2, by the loader" && joined > 0, "the loader steps in")?;

    // One that is kept too long is no danger either: a write doesn't wait for it, and wins.
    let Entry::Vacant(late) = pages.entry(3).await else { return Err("nothing is held of page 3".into()) };
    pages.insert(3, "page 3, just written".to_owned());
    late.insert("page 3, from before".to_owned());
    let held = pages.fetch(&3);
    println!("  overtaken by a write, what the holder brought wasn't stored: {}", held.as_deref().map_or("nothing", |page| page));
    check(held.as_deref().is_some_and(|page| page == "page 3, just written"), "the write wins")
}

/// A task that takes the vacant entry of a page, says so, and never brings it.
fn hold(pages: &AsyncCache<u32, String>, page: u32) -> (tokio::task::JoinHandle<()>, oneshot::Receiver<()>) {
    let (say, taken) = oneshot::channel();
    let pages = pages.clone();
    let holder = tokio::spawn(async move {
        let entry = pages.entry(page).await;
        // Nobody listens any more if the example has failed already.
        let _ = say.send(());
        std::future::pending::<()>().await;
        drop(entry);
    });
    (holder, taken)
}

/// Ends the example with an error if something isn't as it says.
fn check(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("it isn't so: {what}").into()) }
}
