/** What a worker does, as a line for each step. */
import * as Effect from "effect/Effect"
import type * as PartEvent from "../run/fleet/PartEvent.ts"
import * as Format from "./Format.ts"
import { print, record, Screen } from "./Screen.ts"

const counts = ({ counts: { dead, delivered }, seconds }: Extract<PartEvent.PartEvent, { readonly seconds: number }>) =>
  `${Format.counted(delivered, "call")} in ${Format.duration(seconds * 1000)}${
    dead === 0 ? "" : `, ${Format.counted(dead, "record")} rejected`
  }`

/** One line for people. */
export const line = (event: PartEvent.PartEvent): string => {
  if (event._tag === "Unusable") return `${event.run}: cannot run on this worker: ${event.reason}`
  // A sync has no stretches, and the ending is all of it.
  const which = event.stretch === undefined ? "the end" : `stretch ${event.stretch} of ${event.of}`
  const part = event.of === 0 ? event.run : `${event.run}: ${which}`
  switch (event._tag) {
    case "Taken":
      return `${part} begins`
    case "Finished":
      return `${part} finished: ${counts(event)}`
    case "HandedBack":
      return `${part} handed back after ${counts(event)}`
    case "Paused":
      return `${part} handed back: the API answers 429`
    case "Fenced":
      return `${part} stopped after ${counts(event)}: another worker has it, or the run was cancelled`
    case "Failed":
      return `${part} failed after ${counts(event)}: ${event.reason}${event.retryable ? "; it is retried" : ""}`
  }
}

const names = {
  Unusable: "unusable",
  Taken: "taken",
  Finished: "finished",
  HandedBack: "handed back",
  Paused: "paused",
  Fenced: "fenced",
  Failed: "failed"
} as const

const toJson = ({ _tag, ...event }: PartEvent.PartEvent) => {
  if (!("seconds" in event)) return { event: names[_tag], ...event }
  const { counts, ...rest } = event
  return { event: names[_tag], ...rest, ...counts }
}

/** A line on stderr: for people, or as JSON. */
export const tell = (event: PartEvent.PartEvent): Effect.Effect<void, never, Screen> =>
  Effect.flatMap(Screen, ({ log }) => (log === "json" ? record("part", toJson(event)) : print(line(event))))
