/** The few things that are read from the XML of a store. */

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }

const unescape = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex?: string, decimal?: string, name?: string) =>
    hex !== undefined
      ? String.fromCodePoint(parseInt(hex, 16))
      : decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : (entities[name ?? ""] ?? all)
  )

/** The text of the first element of that name. */
export const textOf = (xml: string, name: string): string | undefined => {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  return found === undefined ? undefined : unescape(found)
}

/** What the elements of that name hold. */
export const all = (xml: string, name: string): ReadonlyArray<string> =>
  [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, "gs"))].map(([, inner = ""]) => inner)

/** Whether the answer is an error, whatever its status. */
export const isError = (xml: string): boolean => /^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>]/.test(xml)

const escape = (text: string): string => text.replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`)

export const completion = (parts: ReadonlyArray<{ readonly number: number; readonly tag: string }>): string =>
  `<CompleteMultipartUpload>${parts
    .map(({ number, tag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escape(tag)}</ETag></Part>`)
    .join("")}</CompleteMultipartUpload>`
