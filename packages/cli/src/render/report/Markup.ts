/** Pieces of HTML and SVG. Everything that is text is escaped here, and nowhere else. */

/** Markup: a type of its own, so that no text counts as markup. */
export interface Markup {
  readonly html: string
}

type Piece = Markup | string | number | undefined | ReadonlyArray<Markup>

const escape = (text: string): string =>
  text
    .replace(/[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")

const isMarkup = (piece: Markup | ReadonlyArray<Markup>): piece is Markup => "html" in piece

const render = (piece: Piece): string => {
  if (piece === undefined) return ""
  if (typeof piece === "string" || typeof piece === "number") return escape(String(piece))
  return isMarkup(piece) ? piece.html : piece.map(({ html }) => html).join("")
}

/** A template of markup: what is put in is escaped, unless it is markup itself. */
export const markup = (strings: TemplateStringsArray, ...pieces: ReadonlyArray<Piece>): Markup => ({
  html: strings.reduce((text, string, nth) => `${text}${string}${nth < pieces.length ? render(pieces[nth]) : ""}`, "")
})

/** Text that is markup already: of this program only. */
export const trusted = (text: string): Markup => ({ html: text })

export const none: Markup = trusted("")

/** A share of the whole, as coordinates have it. */
export const percent = (value: number): string => `${Math.round(value * 1000) / 1000}%`

export interface Column {
  readonly name: string
  /** Figures are to the right. @default false */
  readonly isText?: boolean
}

/** A table that scrolls by itself where the page is narrow. */
export const table = (
  caption: string,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Markup => {
  const kind = ({ isText }: Column) => (isText === true ? "t" : "n")
  const head = columns.map((column) => markup`<th scope="col" class="${kind(column)}">${column.name}</th>`)
  const body = rows.map((row) => {
    const cells = row.map((cell, nth) => {
      const column = columns[nth] ?? { name: "" }
      return nth === 0
        ? markup`<th scope="row" class="t">${cell}</th>`
        : markup`<td class="${kind(column)}">${cell}</td>`
    })
    return markup`<tr>${cells}</tr>\n`
  })
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

/** The same behind a line that opens it. */
export const details = (
  caption: string,
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): Markup => markup`<details><summary>Table: ${caption}</summary>${table(caption, columns, rows)}</details>`

export const card = (title: string, lead: Markup | undefined, body: Markup, wide = false): Markup =>
  markup`<section class="card${wide ? " wide" : ""}"><h2>${title}</h2>${lead === undefined ? none : markup`<p class="lead">${lead}</p>`}${body}</section>\n`
