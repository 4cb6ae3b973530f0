//! Icons, drawn on a square of 24.

use leptos::prelude::*;

/// What an icon stands for.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Icon {
    ChapterBack,
    ParagraphBack,
    SentenceBack,
    Play,
    Pause,
    SentenceOn,
    ParagraphOn,
    ChapterOn,
    Contents,
    Search,
    Notes,
    Bookmark,
    Appearance,
    Back,
    Close,
    Settings,
    Keys,
    Voice,
    Sleep,
    Fold,
    Stored,
    HeardWrong,
}

impl Icon {
    /// Its outline, as SVG writes paths.
    pub const fn path(self) -> &'static str {
        match self {
            Self::HeardWrong => {
                "M4 4h16v12H9l-5 4zm2 2v9.800L8.300 14H18V6zm5 1h2v3.500h-2zm0 4.500h2v1.800h-2z"
            }
            Self::Stored => {
                "M9.500 16.200 5.800 12.500l-1.400 1.400 5.100 5.100L20 8.500l-1.400-1.400z"
            }
            Self::ChapterBack => "M5 5h2.5v14H5zM19 5v14L9 12z",
            Self::SentenceBack => "M15.5 5 8.500 12l7 7 1.600-1.600L11.700 12l5.400-5.400z",
            Self::ParagraphBack => {
                "M12 5 5 12l7 7 1.500-1.500L8 12l5.500-5.500zM18.500 5l-7 7 7 7 1.500-1.500L14.500 12 20 6.500z"
            }
            Self::ParagraphOn => {
                "M12 5l7 7-7 7-1.500-1.500L16 12l-5.500-5.500zM5.500 5l7 7-7 7L4 17.500 9.500 12 4 6.500z"
            }
            Self::Play => "M8 5v14l11-7z",
            Self::Pause => "M7 5h4v14H7zM13 5h4v14h-4z",
            Self::SentenceOn => "M8.500 5l7 7-7 7-1.600-1.600 5.400-5.400-5.400-5.400z",
            Self::ChapterOn => "M16.500 5H19v14h-2.500zM5 5v14l10-7z",
            Self::Contents => {
                "M4 6h2v2H4zm4 0h12v2H8zM4 11h2v2H4zm4 0h12v2H8zm-4 5h2v2H4zm4 0h12v2H8z"
            }
            Self::Search => {
                "M10.500 4a6.500 6.500 0 0 1 5.200 10.400l4.400 4.400-1.400 1.400-4.400-4.400A6.500 6.500 0 1 1 \
                 10.500 4zm0 2a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z"
            }
            Self::Notes => "M5 4h14v11l-5 5H5zm2 2v12h6v-4h4V6zm2 2h6v2H9zm0 3h4v2H9z",
            Self::Bookmark => "M7 3h10v18l-5-4-5 4zm2 2v11.900l3-2.400 3 2.400V5z",
            Self::Appearance => {
                "M3 19 7.500 6h2L14 19h-2.100l-1.100-3.300H6.200L5.100 19zm3.800-5h3.400L8.500 8.800zM14.500 \
                 19l3-8.500h1.600l3 8.500h-1.700l-.7-2.100h-2.800l-.7 2.100zm2.800-3.500h2l-1-3.100z"
            }
            Self::Back => "M14.500 5 7.500 12l7 7 1.500-1.500L10.500 12 16 6.500z",
            Self::Close => {
                "M6.400 5 12 10.600 17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400L12 13.400 6.400 19 5 \
                 17.600 10.600 12 5 6.400z"
            }
            Self::Settings => {
                "M4 7h9v2H4zm12-2h2v2h2v2h-2v2h-2zM4 15h2v-2h2v6H6v-2H4zm6 0h10v2H10z"
            }
            Self::Keys => {
                "M3 6h18v12H3zm2 2v8h14V8zm1 1h2v2H6zm3 0h2v2H9zm3 0h2v2h-2zm3 0h3v2h-3zm-9 3h2v2H6zm3 \
                 0h6v2H9zm7 0h2v2h-2z"
            }
            Self::Fold => "M6.400 15.400 12 9.800l5.600 5.600 1.400-1.400-7-7-7 7z",
            Self::Voice => {
                "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zm-6 8h2a4 4 0 0 0 8 0h2a6 6 0 0 \
                 1-5 5.900V20h3v2H8v-2h3v-3.100A6 6 0 0 1 6 11z"
            }
            Self::Sleep => {
                "M14 4a8 8 0 1 0 6 13.300A8.500 8.500 0 0 1 14 4zm-3.500 3.200A10 10 0 0 0 15.800 18 6 6 0 \
                 1 1 10.500 7.200z"
            }
        }
    }
}

/// An icon. What it means is said by the element it is in.
pub fn icon(icon: Icon) -> AnyView {
    view! { <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=icon.path()></path></svg> }
        .into_any()
}
