/** How much data, as it is written on the command line and in files. */

const units: Readonly<Record<string, number>> = { kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 }

/** The bytes that a text such as `100MB` or `64KiB` means; nothing when it is no size, or none at all. */
export const parse = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]i?b)$/i.exec(text.trim())
  const unit = units[(match?.[2] ?? "").toLowerCase()]
  const bytes = unit === undefined ? Number.NaN : Math.floor(Number(match?.[1]) * unit)
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined
}
