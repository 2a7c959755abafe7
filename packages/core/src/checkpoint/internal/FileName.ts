/** A file name for any pipeline name. */

/** Windows reserves these for devices, with any extension. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)$/

/** Even with an extension, well below the 255 bytes of common file systems. */
export const longest = 128

/**
 * Keeps small letters, digits, `_` and `-`, and writes all other characters as the bytes of their UTF-8, `%xx`. So no name
 * leaves its folder, and two names never share a file, even where case or Unicode forms are ignored. There is no dot
 * before the extension. `undefined` for a name that is empty, too long, or no Unicode text.
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
