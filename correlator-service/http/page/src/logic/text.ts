// Labels as people may see them.

// Control characters, marks that turn the direction of what follows, and line breaks.
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

// The text with all that cannot be seen made visible, so that a label looks like nothing but itself:
// "a\nb" becomes "a␊b", and a mark that turns the text around shows its number.
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return `⟨${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
