//! Loads that wait for each other: what a ring of them looks like, and the way out.
//!
//! ```text
//! cargo run --example cycle
//! ```
//!
//! A user's page names the team, a team's page names its members, and each
//! loader asks the other's cache. Without a word from the cache, both would wait
//! for ever.

use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bellwether::{AsyncCache, BoxError, BuildError, LoadError, LoadErrorKind, LoadScope};

/// The table of users: id, name and team.
const USERS: [(u32, &str, u32); 2] = [(1, "ann", 10), (2, "bob", 10)];

/// The table of teams: id and name.
const TEAMS: [(u32, &str); 1] = [(10, "shepherds")];

/// A user, as shown on a page of its own.
struct User {
    name: String,
    /// The team's name.
    team: String,
}

/// A team, as shown on a page of its own.
struct Team {
    name: String,
    members: Vec<String>,
}

/// How a team's loader gets the names of its members.
#[derive(Clone, Copy)]
enum Members {
    /// By the cache of users: a ring.
    Cached,
    /// The same, in tasks of their own that carry the scope of the load along.
    Subtasks,
    /// By the table, which is all that a name needs; what the cache holds is used if it is there. No ring.
    Table,
}

/// Two caches whose loaders ask each other.
struct Directory {
    users: OnceLock<AsyncCache<u32, User>>,
    teams: OnceLock<AsyncCache<u32, Team>>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("a ring: the user's loader asks for the team, whose loader asks for the user");
    let directory = Directory::new(Members::Cached)?;
    show_ring(&directory).await?;

    println!("\nthe same by subtasks, wrapped in the scope of their load");
    let directory = Directory::new(Members::Subtasks)?;
    show_ring(&directory).await?;

    println!("\nthe way out: the team's loader takes of its members only what it shows, and never waits for a user's load");
    let directory = Directory::new(Members::Table)?;
    let user = directory.users().fetch_with(&1).await?;
    println!("  {} is of the {}", user.name, user.team);
    let team = directory.teams().fetch_with(&10).await?;
    println!("  the {} are {}", team.name, team.members.join(" and "));
    check(user.team == "shepherds" && team.members == ["ann", "bob"], "both pages are there")?;
    let loads = directory.users().metrics().loads_started + directory.teams().metrics().loads_started;
    println!("  {loads} loads, and no ring among them");
    check(loads == 2, "each page is loaded once")
}

/// Asks for a user whose load would wait for itself.
async fn show_ring(directory: &Directory) -> Result<(), BoxError> {
    let began = Instant::now();
    let Err(error) = directory.users().fetch_with(&1).await else { return Err("the load of user 1 came to an end".into()) };
    let took = began.elapsed();

    println!("  error: {error}");
    let LoadError::Cycle { caches, .. } = &error else { return Err(error.into()) };
    println!("  the ring, by the names of its caches: {caches:?}");
    // The same call would end the same way: it is a bug, to be mended in a loader.
    println!("  worth another try: {}", error.is_retryable());
    let metrics = directory.users().metrics();
    println!("  loads still under way: {}, failed so: {}", metrics.flights, metrics.loads_failed_by(LoadErrorKind::Cycle));

    check(
        caches.len() == 2 && ["users", "teams"].iter().all(|name| caches.iter().any(|cache| **cache == **name)),
        "both caches are named",
    )?;
    check(took < Duration::from_secs(10), "it is an error at once, long before the load's time-out")?;
    check(metrics.flights == 0, "nothing stays behind")
}

impl Directory {
    /// Builds both caches. The loaders hold them by weak references, so that they can end.
    fn new(members: Members) -> Result<Arc<Self>, BuildError> {
        let directory = Arc::new(Self { users: OnceLock::new(), teams: OnceLock::new() });

        let weak = Arc::downgrade(&directory);
        let load_user = move |id| load_user(weak.clone(), id);
        let users = AsyncCache::builder().name("users").async_loader_fn(load_user).build_async()?;

        let weak = Arc::downgrade(&directory);
        let load_team = move |id| load_team(weak.clone(), id, members);
        let teams = AsyncCache::builder().name("teams").async_loader_fn(load_team).build_async()?;

        directory.users.get_or_init(|| users);
        directory.teams.get_or_init(|| teams);
        Ok(directory)
    }

    fn users(&self) -> &AsyncCache<u32, User> {
        self.users.get().expect("it was built before the first load")
    }

    fn teams(&self) -> &AsyncCache<u32, Team> {
        self.teams.get().expect("it was built before the first load")
    }
}

/// Loads a user, with the name of the team from the cache of teams.
async fn load_user(directory: Weak<Directory>, id: u32) -> Result<Option<User>, BoxError> {
    let Some(&(_, name, team)) = USERS.iter().find(|row| row.0 == id) else { return Ok(None) };
    let directory = directory.upgrade().ok_or("the directory is gone")?;
    let team = directory.teams().fetch_with(&team).await?;
    Ok(Some(User { name: name.to_owned(), team: team.name.clone() }))
}

/// Loads a team, with the names of its members.
async fn load_team(directory: Weak<Directory>, id: u32, from: Members) -> Result<Option<Team>, BoxError> {
    let Some(&(_, name)) = TEAMS.iter().find(|row| row.0 == id) else { return Ok(None) };
    let directory = directory.upgrade().ok_or("the directory is gone")?;
    let mut members = Vec::new();
    for &(user, name, _) in USERS.iter().filter(|row| row.2 == id) {
        members.push(match from {
            Members::Cached => directory.users().fetch_with(&user).await?.name.clone(),
            Members::Subtasks => {
                let directory = Arc::clone(&directory);
                let fetch = async move { directory.users().fetch_with(&user).await };
                // Without the scope the subtask would be a caller like any other, and the ring would last until the load's time-out.
                tokio::spawn(LoadScope::current().wrap(fetch)).await??.name.clone()
            }
            // `fetch` never loads, so it can't wait either.
            Members::Table => directory.users().fetch(&user).map_or_else(|| name.to_owned(), |user| user.name.clone()),
        });
    }
    Ok(Some(Team { name: name.to_owned(), members }))
}

/// Ends the example with an error if something isn't as it says.
fn check(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("it isn't so: {what}").into()) }
}
