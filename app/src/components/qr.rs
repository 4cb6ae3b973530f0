//! An address that a phone reads with its camera.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// White around the code, in modules (ISO/IEC 18004, section 6.3.8).
const MARGIN: usize = 4;

/// A QR code; nothing for what is too long for one. It is black on white in every theme, as cameras want it.
#[component]
pub fn Qr(
    /// What it says.
    address: String,
    /// What it is, for whoever does not see it.
    label: &'static str,
) -> impl IntoView {
    let code = QrCode::with_error_correction_level(address.as_bytes(), EcLevel::M).ok()?;
    let width = code.width();
    let modules = code.to_colors();
    let dark = modules.iter().enumerate().filter(|(_, colour)| **colour == Color::Dark);
    let path: String = dark
        .map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + MARGIN, at / width + MARGIN))
        .collect();
    let size = width + 2 * MARGIN;
    Some(view! {
        <svg class="qr" role="img" aria-label=label viewBox=format!("0 0 {size} {size}") shape-rendering="crispEdges">
            <rect width=size height=size fill="#fff"></rect>
            <path d=path fill="#000"></path>
        </svg>
    })
}
