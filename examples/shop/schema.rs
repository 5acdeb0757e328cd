//! The shop's tables, their rows, and the statements that the examples run.

/// Items for sale. Their ids run from one to this.
pub(crate) const ITEMS: u32 = 2_000;

/// Settings of every connection: readers don't wait for the writer, and a file of up to a million sales fits the page
/// cache, so that a query's time is its plan's.
pub(crate) const CONNECTION: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 10000;
    PRAGMA cache_size = -16000;
";

/// What marks a database file as the shop's, in the header field that SQLite has for that.
pub(crate) const APPLICATION_ID: i64 = 0x0062_656c;

/// One product page. `sales.item_id` has no index, as in many a young schema,
/// so the aggregate reads the whole ledger: a few milliseconds of real work.
pub(crate) const ITEM_PAGE: &str = "
    SELECT items.id, items.name, categories.name, items.price_cents, items.version,
           sold.sales, sold.units
    FROM items
    JOIN categories ON categories.id = items.category_id
    JOIN (SELECT count(*) AS sales, coalesce(sum(quantity), 0) AS units
          FROM sales WHERE item_id = ?1) AS sold
    WHERE items.id = ?1
";

/// Changes a price and counts the change.
pub(crate) const SET_PRICE: &str = "
    UPDATE items SET price_cents = ?2, version = version + 1 WHERE id = ?1
";

/// Which version of an item the table holds.
pub(crate) const VERSION: &str = "SELECT version FROM items WHERE id = ?1";

/// Makes the tables and all their rows but the sales. The ledger references no item: it outlives what was sold.
pub(crate) fn create() -> String {
    format!(
        "
        CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            category_id INTEGER NOT NULL REFERENCES categories,
            name TEXT NOT NULL,
            price_cents INTEGER NOT NULL,
            version INTEGER NOT NULL DEFAULT 1
        );
        CREATE TABLE sales (
            id INTEGER PRIMARY KEY,
            item_id INTEGER NOT NULL,
            quantity INTEGER NOT NULL
        );
        INSERT INTO categories VALUES (0, 'bells'), (1, 'ropes'), (2, 'shears'), (3, 'crooks');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ITEMS})
            INSERT INTO items (id, category_id, name, price_cents)
            SELECT i, i % 4, 'item ' || i, 100 + i * 37 % 9900 FROM n;
        "
    )
}

/// Adds the sales from `first` to `last` to the ledger.
pub(crate) fn add_sales(first: u32, last: u32) -> String {
    format!(
        "
        WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})
            INSERT INTO sales (id, item_id, quantity)
            SELECT i, i * 7919 % {ITEMS} + 1, i % 5 + 1 FROM n;
        "
    )
}
