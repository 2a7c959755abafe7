/** Output for people goes to stderr, so that stdout holds only data. */
import type { OutputError } from "@callstream/core"
import { StdoutOutput } from "@callstream/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"

export class Screen extends Context.Service<
  Screen,
  {
    /** Whether stderr is a terminal that can redraw a line. */
    readonly live: boolean
    readonly colors: boolean
    readonly columns: () => number
    readonly write: (text: string) => Effect.Effect<void>
    /** From now on shows references in place of the values that a file refers to. */
    readonly reword: (change: (text: string) => string) => Effect.Effect<void>
    /** Text with references in place of values, for other outputs. */
    readonly reworded: (text: string) => string
  }
>()("@callstream/cli/render/Screen") {
  /** stderr of this process. `NO_COLOR` and `TERM=dumb` are respected. */
  static readonly layer: Layer.Layer<Screen> = Layer.sync(Screen, () => {
    const live = process.stderr.isTTY && process.env["TERM"] !== "dumb"
    // The run continues when its terminal closes.
    process.stderr.on("error", () => {})
    const change = Ref.makeUnsafe((text: string) => text)
    const reworded = (text: string) => Ref.getUnsafe(change)(text)
    return Screen.of({
      live,
      colors: live && (process.env["NO_COLOR"] ?? "") === "",
      columns: () => process.stderr.columns ?? 80,
      write: (text) => Effect.sync(() => void process.stderr.write(reworded(text))),
      reword: (next) => Ref.set(change, next),
      reworded
    })
  })
}

/** Removes the progress line. */
export const clearLine = "\r\u001b[2K"

/** Lines for people, without characters that a terminal would obey. */
export const print = (...lines: ReadonlyArray<string>): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, (screen) => screen.write(lines.map((line) => `${toPrintable(line)}\n`).join("")))

/** Text from outside (a path, a server's words) with control, bidirectional and invisible characters made visible. */
export const toPrintable = (text: string): string =>
  text.replace(
    /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** Text on stdout. A closed pipe or a full disk ends the command, as it ends an export. */
export const answer = (text: string): Effect.Effect<void, OutputError> =>
  Effect.flatMap(StdoutOutput.make, ({ write }) => write(`${text}\n`))

/** The name of the command: in a clone it is not installed. */
export const invocation = process.argv[1]?.endsWith(".ts") === true ? "npm run -s callstream --" : "callstream"
