/** Long lines of text in a terminal, which would break them within words. */
import * as CliOutput from "effect/cli/CliOutput"

/**
 * Text in lines of this width, broken between words; further lines are indented by so many columns. Without a width, as
 * where no terminal is, the line stays whole.
 */
export const wrapped = (
  text: string,
  width: number | undefined,
  indent = (/^ */.exec(text)?.[0].length ?? 0) + 2
): ReadonlyArray<string> => {
  if (width === undefined || CliOutput.displayWidth(text) <= width) return [text]
  const lines: Array<string> = []
  let line = ""
  // Columns of a table are apart by more than one space.
  for (const word of text.split(/(?<=\S) (?=\S)/)) {
    const longer = line === "" ? word : `${line} ${word}`
    if (line === "" || CliOutput.displayWidth(longer) <= width) line = longer
    else {
      lines.push(line)
      line = " ".repeat(indent) + word
    }
  }
  return [...lines, line]
}
