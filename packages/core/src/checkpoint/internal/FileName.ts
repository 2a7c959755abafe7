/** A file name for any pipeline name. */

/** Windows keeps these for devices, whatever comes after a dot. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)$/

/** With what is appended to it, well below the 255 bytes of common file systems. */
export const longest = 128

/**
 * Small letters, digits, `_` and `-` stay, everything else becomes the bytes of its UTF-8 as `%xx`: so no name leaves its
 * folder, two names never share a file, not where case or Unicode forms are ignored either, and there is no dot before
 * what is appended. `undefined` for a name that is empty, too long, or no Unicode text.
 */
export const fromPipeline = (pipeline: string): string | undefined => {
  if (pipeline === "" || !pipeline.isWellFormed()) return undefined
  let name = ""
  for (const byte of new TextEncoder().encode(pipeline)) {
    const character = String.fromCharCode(byte)
    name += /[a-z0-9_-]/.test(character) ? character : escape(byte)
  }
  if (device.test(name)) name = escape(name.charCodeAt(0)) + name.slice(1)
  return name.length > longest ? undefined : name
}

const escape = (byte: number) => `%${byte.toString(16).padStart(2, "0")}`
