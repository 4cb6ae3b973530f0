//! How the library is looked at.

use serde::{Deserialize, Serialize};

use super::choice;

choice! {
    /// How a shelf is ordered.
    Sort {
        /// The last read or added first.
        Recent = "recent",
        /// By title.
        Title = "title",
        /// By the first author, then title.
        Author = "author",
        /// The last added first.
        Added = "added",
    }
}

choice! {
    /// Which books a shelf shows.
    Show {
        /// All.
        All = "all",
        /// Those not begun.
        Unread = "unread",
        /// Those begun and not finished.
        Begun = "begun",
        /// Those read to the end.
        Finished = "finished",
    }
}
