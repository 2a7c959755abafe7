/** Facts about the endpoint or a plan, for people to read: each has its name in a column. */
import { answer, toPrintable } from "./Screen.ts"
import { wrapped } from "./Wrap.ts"

/** Its name, and what there is to say; each text is a line. */
export type Fact = readonly [name: string, ...texts: ReadonlyArray<string>]

/** They are the command's data, so they go to stdout. */
export const show = (...facts: ReadonlyArray<Fact>) =>
  answer(
    facts
      .flatMap(([name, ...texts]) => texts.map((text, at) => `${(at === 0 ? name : "").padEnd(12)} ${text}`))
      .flatMap((line) => wrapped(toPrintable(line), process.stdout.columns, 13))
      .join("\n")
  )
