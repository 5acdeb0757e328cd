//! G12: values are loaded anew in the background, and loads that fail or hang cost nobody a value that may still be shown.

mod backing_off;
mod between;
mod closures;
mod ends;
mod fallback;
mod hooks;
mod joining;
mod limits;
mod lost;
mod once;
mod outcomes;
mod overtaken;
mod places;
mod queued;
mod remembered;
mod scene;
mod seconds;
mod soft;
mod troubles;
mod when;
