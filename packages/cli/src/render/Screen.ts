/** Output for people goes to stderr, so that stdout holds only data. */
import type { OutputError } from "@callstream/core"
import { StdoutOutput } from "@callstream/node"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { wrapped } from "./Wrap.ts"

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
    /** What stderr gets: lines for people, or one JSON value a line. */
    readonly log: "text" | "json"
    /** Whether errors are JSON, as they are with `--json` too. */
    readonly errors: "text" | "json"
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
      reworded,
      log: "text",
      errors: "text"
    })
  })
}

/** Removes the progress line. */
export const clearLine = "\r\u001b[2K"

const printable = (lines: ReadonlyArray<string>): string => lines.map((line) => `${toPrintable(line)}\n`).join("")

/** One line for machines. */
export const record = (type: string, fields: object): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Effect.all([Screen, Clock.currentTimeMillis]), ([screen, millis]) =>
    screen.write(`${JSON.stringify({ time: new Date(millis).toISOString(), type, ...fields })}\n`)
  )

const as = (type: "info" | "warning", lines: ReadonlyArray<string>, prefix = "") =>
  Effect.flatMap(Screen, (screen) => {
    if (lines.length === 0) return Effect.void
    if (screen.log === "json") return record(type, { message: lines.map((line) => line.trim()).join("\n") })
    const text = printable(lines.map((line, i) => (i === 0 ? `${prefix}${line}` : line)))
    // A progress line of other runs may be there; it is drawn again below.
    return screen.write(`${screen.live ? clearLine : ""}${text}`)
  })

/** Lines for people, without characters that a terminal would obey. */
export const print = (...lines: ReadonlyArray<string>): Effect.Effect<void, never, Screen> => as("info", lines)

/** The same, broken between words where they are wider than the terminal. Not for lines with a command, which is copied. */
export const prose = (...lines: ReadonlyArray<string>): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, ({ columns, live, log }) =>
    print(...(live && log === "text" ? lines.flatMap((line) => wrapped(toPrintable(line), columns())) : lines))
  )

/** The same about a problem that does not end the command. */
export const warn = (...lines: ReadonlyArray<string>): Effect.Effect<void, never, Screen> =>
  as("warning", lines, "warning: ")

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
