/** What audio looks like at its start. A content type alone says little: stores of files often have none. */

const latin = new TextDecoder("latin1")

/** How much of a file has to be read for that. */
export const headBytes = 64

/* oxlint-disable no-control-regex */
const kinds: ReadonlyArray<readonly [pattern: RegExp, extension: string]> = [
  [/^RIFF.{4}WAVE/s, "wav"],
  [/^ID3/, "mp3"],
  [/^OggS/, "ogg"],
  [/^fLaC/, "flac"],
  [/^.{4}ftyp/s, "m4a"],
  [/^\x1a\x45\xdf\xa3/, "webm"],
  [/^#!AMR/, "amr"],
  [/^caff/, "caf"],
  [/^\.snd/, "au"],
  [/^FORM.{4}AIF/s, "aiff"],
  [/^\xff[\xf0\xf1\xf8\xf9]/, "aac"],
  [/^\xff[\xe0-\xff]/, "mp3"]
]
/* oxlint-enable no-control-regex */

const extensions: Readonly<Record<string, string>> = {
  "audio/mpeg": "mp3",
  "audio/mp3": "mp3",
  "audio/wav": "wav",
  "audio/x-wav": "wav",
  "audio/ogg": "ogg",
  "audio/mp4": "m4a",
  "audio/aac": "aac",
  "audio/webm": "webm",
  "audio/flac": "flac",
  "audio/basic": "au"
}

/** A page or a message in place of a recording, whatever its type says. */
const text = /^(?:\xef\xbb\xbf)?\s*[<{[]/

/**
 * The ending of the name of a file of audio, by its first bytes and by the type that the server gives; `undefined` for
 * other files.
 */
export const extensionOf = (head: Uint8Array, type: string): string | undefined => {
  const start = latin.decode(head)
  const known = kinds.find(([pattern]) => pattern.test(start))
  if (known !== undefined) return known[1]
  if (start === "" || text.test(start)) return undefined
  // Without a sign of its own, as raw telephone audio is.
  return type.startsWith("audio/") ? (extensions[type] ?? "audio") : undefined
}
