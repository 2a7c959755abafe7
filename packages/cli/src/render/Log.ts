/** Prints the library's logs between the other lines for people. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import { clearLine, type Screen, toPrintable } from "./Screen.ts"

const words: Readonly<Record<string, string>> = { Warn: "warning: ", Error: "error: ", Fatal: "error: " }

const types: Readonly<Record<string, string>> = {
  Warn: "warning",
  Error: "error",
  Fatal: "error",
  Debug: "debug",
  Trace: "debug"
}

/** An error is its message: its other fields may hold more than people should see. */
const partOf = (part: unknown): string =>
  typeof part === "string" ? part : part instanceof Error ? part.message : JSON.stringify(part)

const textOf = (message: unknown): string => (Array.isArray(message) ? message : [message]).map(partOf).join(": ")

/** One line each, with the time under `--debug`. A progress line is removed and drawn again below. */
export const logger = (screen: Screen["Service"], debug: boolean): Logger.Logger<unknown, void> =>
  Logger.make(({ cause, date, fiber, logLevel, message }) => {
    if (screen.log === "json") {
      const type = types[logLevel] ?? "info"
      const causes = cause.reasons.length === 0 ? {} : { cause: Cause.pretty(cause) }
      const annotations = fiber.getRef(References.CurrentLogAnnotations)
      const attributes = Object.keys(annotations).length === 0 ? {} : { attributes: annotations }
      const line = JSON.stringify({
        time: date.toISOString(),
        type,
        message: textOf(message),
        ...attributes,
        ...causes
      })
      return Effect.runSync(screen.write(`${line}\n`))
    }
    const begin = debug ? `[${date.toISOString().slice(11, 23)}] ${logLevel.toUpperCase()}: ` : (words[logLevel] ?? "")
    const lines = [
      `${begin}${textOf(message)}`,
      ...(cause.reasons.length === 0 ? [] : Cause.pretty(cause).split("\n"))
    ].map((line) => `${toPrintable(line)}\n`)
    Effect.runSync(screen.write(`${screen.live ? clearLine : ""}${lines.join("")}`))
  })
