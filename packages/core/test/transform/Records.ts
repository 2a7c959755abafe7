/** Records as the endpoint sends them, and a generator that repeats itself for a seed. */
import * as CallSessions from "@callstream/core/CallSessions"
import type { CallSession } from "@callstream/core/model/CallSession"
import { AgniSimulator } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import { all } from "../history/Walking.ts"

/** The fields of a session as those of a plain object, which may be spread. */
export type Session = { readonly [K in keyof CallSession]: CallSession[K] }

export const sessions = Effect.fnUntraced(function* (
  seed: number,
  count: number,
  content: "varied" | "hostile" = "hostile"
) {
  const simulator = yield* AgniSimulator.make({
    wire: "seen",
    seed,
    sessions: count,
    content,
    // What the laws say of columns and dates is about these.
    unknownFields: false,
    timestamps: "micros"
  })
  const { elements } = yield* all(simulator, CallSessions.pages({ pageSize: 100 }))
  return elements.flatMap((page): ReadonlyArray<Session> => page.rows.sessions())
})

export interface Dice {
  /** From 0 up to, not including, `below`. */
  readonly roll: (below: number) => number
  readonly pick: <A>(from: readonly [A, ...ReadonlyArray<A>]) => A
}

export const dice = (seed: number): Dice => {
  let state = seed | 0
  const roll = (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
  return { roll, pick: (from) => from[roll(from.length)] ?? from[0] }
}

/** Every text of a value, keys included. */
export const texts = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (typeof value !== "object" || value === null) return [String(value)]
  return Array.isArray(value)
    ? value.flatMap(texts)
    : Object.entries(value).flatMap(([key, inner]) => [key, ...texts(inner)])
}

export const freeze = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freeze(inner)
  }
  return value
}
