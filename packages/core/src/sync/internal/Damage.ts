/** The error and the warnings of a ledger of which parts cannot be read. */
import * as Effect from "effect/Effect"
import { LedgerError } from "../LedgerError.ts"

export const torn = (name: string, damaged: "state" | "calls") =>
  new LedgerError({ reason: { _tag: "Torn", name, damaged } })

const warn = (name: string, text: string) =>
  Effect.annotateLogs(Effect.logWarning(`${name}: ${text}`), "callstream.pipeline.name", name)

/** A restart left out calls, which are read again. */
export const warnOfCalls = (name: string, calls: number) =>
  warn(
    name,
    calls === 1
      ? "1 call in the ledger could not be read and is delivered as a new one. If it left the API, it stays in the sinks."
      : `${calls} calls in the ledger could not be read and are delivered as new ones. Those that left the API stay in the sinks.`
  )

/** A restart begins with an empty ledger: without its own row no call in it can be read. */
export const warnOfAll = (name: string) =>
  warn(
    name,
    "the ledger could not be read, and a new one begins. All calls are delivered as new ones. Those that left the API stay in the sinks."
  )

/** A restart reads everything again, of calls that stay known. */
export const warnOfState = (name: string) =>
  warn(name, "the state of the sync could not be read. Every call is read again.")
