//! What eyes make of the shipped themes: contrast by WCAG, and colours without one sort of cones.

use ratatui::style::{Color, Style};

use super::*;

type Rgb = (u8, u8, u8);

/// The least contrast of text with its ground: WCAG 2.2, level AA. Published palettes are held to it too.
const TEXT: f64 = 4.5;
/// The least contrast of text in sixteen colours. They are the user's own; xterm's bright blue, the darkest of those
/// that the themes use on black, reaches 4.43.
const SIXTEEN: f64 = 4.4;
/// The least contrast of lines: WCAG 2.2 for what is not text.
const LINE: f64 = 3.0;
/// The least contrast of text in `high-contrast`: WCAG 2.2, level AAA.
const HIGH: f64 = 7.0;

/// Grounds of terminals whose own ground a theme keeps: black, and what dark terminals often show.
const DARK: [Rgb; 3] = [(0, 0, 0), (24, 24, 24), (30, 30, 46)];

fn theme(name: &str, depth: ColorDepth) -> Theme {
    load(name, &|_| Ok(None), depth, GlyphSet::Unicode).0
}

/// Returns light in proportion to its energy, as in sRGB (IEC 61966-2-1).
fn linear(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

/// Returns the contrast of two colours by relative luminance, as in WCAG 2.2.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let light = |(r, g, b): Rgb| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_role_can_be_read() {
    let mut poor = Vec::new();
    for name in names() {
        for depth in [ColorDepth::True, ColorDepth::Ansi256, ColorDepth::Ansi16] {
            let theme = theme(name, depth);
            let sixteen = depth == ColorDepth::Ansi16 || name == "ansi16";
            let shown = |color: Option<Color>| color.and_then(shown);
            let text = theme.style(Role::Text);
            let own = shown(text.bg);
            // A ground that is the terminal's own may be any dark one; of sixteen colours it is black.
            let plain = match (own, sixteen) {
                (Some(own), _) => vec![own],
                (None, true) => vec![DARK[0]],
                (None, false) => DARK.to_vec(),
            };
            let selection = theme.style(Role::Selection);
            for role in Role::ALL {
                let style = theme.style(*role);
                // What is the terminal's own ink is readable on the terminal's own ground.
                let Some(ink) = shown(style.fg.or(text.fg)) else {
                    continue;
                };
                let mut grounds = match shown(style.bg) {
                    Some(own) => vec![own],
                    None => plain.clone(),
                };
                // On the selected row the ink stays, unless the selection has one or reverses both.
                let raised = shown(selection.bg).filter(|_| selection.fg.is_none());
                if style.bg.is_none() {
                    grounds.extend(raised);
                }
                let least = match role {
                    Role::Border | Role::ChartEmpty => LINE,
                    _ if sixteen => SIXTEEN,
                    _ if name == "high-contrast" => HIGH,
                    _ => TEXT,
                };
                for ground in grounds {
                    let reached = contrast(ink, ground);
                    if reached < least {
                        let role = role.name();
                        poor.push(format!(
                            "{name} {depth:?} {role} on {ground:?}: {reached:.2}"
                        ));
                    }
                }
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

/// Returns what a terminal shows for a colour; the sixteen as xterm has them.
fn shown(color: Color) -> Option<Rgb> {
    rgb(color).or_else(|| {
        let names = depth::NAMED.iter().position(|(_, named)| *named == color);
        names.and_then(|at| depth::XTERM16.get(at).copied())
    })
}

/// How colours look without one sort of cones: Machado, Oliveira and Fernandes, "A Physiologically-based Model for
/// Simulation of Color Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6), 2009; their
/// matrices for a severity of 1, applied to linear light.
const BLIND: [(&str, [[f64; 3]; 3]); 2] = [
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
];

/// Returns a colour of linear light in CIELAB, under the white of sRGB (D65).
fn lab(light: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = light.map(|v| v.clamp(0.0, 1.0));
    let x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505;
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089;
    let f = |t: f64| {
        if t > 216.0 / 24389.0 {
            t.cbrt()
        } else {
            (24389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    [
        116.0 * f(y) - 16.0,
        500.0 * (f(x) - f(y)),
        200.0 * (f(y) - f(z)),
    ]
}

fn seen(color: Rgb, cones: &[[f64; 3]; 3]) -> [f64; 3] {
    let light = [color.0, color.1, color.2].map(linear);
    lab(cones.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum()))
}

/// Returns how unlike two colours look: the CIE's difference of 1976. About two is just noticed side by side.
fn difference(a: Rgb, b: Rgb, cones: &[[f64; 3]; 3]) -> f64 {
    let (a, b) = (seen(a, cones), seen(b, cones));
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// States that stand beside each other and are told apart by colour too.
const BESIDE: [&[Role]; 5] = [
    &[
        Role::StatusInProgress,
        Role::StatusCompleted,
        Role::Ready,
        Role::Blocked,
        Role::Held,
    ],
    &[Role::SlaOk, Role::SlaAtRisk, Role::SlaBreached],
    &[
        Role::AndonLow,
        Role::AndonMedium,
        Role::AndonHigh,
        Role::AndonCritical,
    ],
    &[Role::AgentActive, Role::AgentPaused, Role::AgentStale],
    &[Role::Ok, Role::Warning, Role::Error],
];

/// The least difference: many times what is just noticed, since the colours are seen apart and in thin letters.
const APART: f64 = 20.0;

/// Returns the smallest difference between states beside each other, and which they are.
fn nearest(name: &str, cones: &[[f64; 3]; 3]) -> (f64, String) {
    let theme = theme(name, ColorDepth::True);
    let color = |role: Role| {
        let Style { fg, bg, .. } = theme.style(role);
        bg.or(fg).and_then(shown)
    };
    let mut nearest = (f64::MAX, String::new());
    for group in BESIDE {
        for (at, a) in group.iter().enumerate() {
            for b in group.iter().skip(at + 1) {
                let (Some(one), Some(other)) = (color(*a), color(*b)) else {
                    continue;
                };
                let apart = difference(one, other, cones);
                if apart < nearest.0 {
                    nearest = (apart, format!("{} and {}", a.name(), b.name()));
                }
            }
        }
    }
    nearest
}

#[test]
fn states_stay_apart_without_one_sort_of_cones() {
    for (sort, cones) in &BLIND {
        let (apart, which) = nearest("colour-blind", cones);
        assert!(apart >= APART, "{sort}: {which}: {apart:.1}");
    }
}

#[test]
fn the_simulation_tells_what_is_safe_from_what_is_not() {
    // The plain dark theme has a green and an orange of one lightness, which is what this theme is there for.
    let worst = BLIND.iter().map(|(_, cones)| nearest("dark", cones).0);
    assert!(worst.fold(f64::MAX, f64::min) < APART);
    // Who has all cones sees what there is.
    let all = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    assert!(difference((255, 0, 0), (0, 160, 0), &all) > 100.0);
    let white = seen((255, 255, 255), &all);
    assert!((white[0] - 100.0).abs() < 0.1 && white[1].abs() < 0.5 && white[2].abs() < 0.5);
}
