// A text that is to become JSON, in pieces that are coloured; what is no JSON yet is in pieces all the same. Pure functions.

// A string, closed or not, which is a name when a colon comes behind it; a number; a word; anything else.
const kPiece = /("(?:[^"\\\n]|\\.)*"?)(?=([ \t\r\n]*:)?)|(-?[0-9][0-9.eE+-]*)|(true|false|null)(?![A-Za-z])|[^"0-9tfn-]+|[^]/g;

// [{kind: "name" | "string" | "number" | "word" | null, text}], which put together are `text`.
export function pieces(text) {
  const out = [];
  for (const [whole, string, colon, number, word] of text.matchAll(kPiece)) {
    let kind = null;
    if (string !== undefined) kind = colon === undefined ? "string" : "name";
    else if (number !== undefined) kind = "number";
    else if (word !== undefined) kind = "word";
    const last = out.at(-1);
    if (kind === null && last?.kind === null) last.text += whole;
    else out.push({ kind, text: whole });
  }
  return out;
}
