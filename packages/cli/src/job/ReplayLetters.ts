/** Reads dead letters back into a pipeline. */
import * as Effect from "effect/Effect"
import {
  CallSession,
  type DeadLetter,
  Instant,
  Position,
  Rows,
  type Source,
  type Transform,
  Version
} from "@callstream/core"
import * as Result from "effect/Result"
import * as Transforms from "../option/Transforms.ts"
import { UsageError } from "../option/UsageError.ts"
import type { Transforms as Spec } from "../option/PipelineSpec.ts"

type Letter = DeadLetter.DeadLetter

interface Part {
  readonly letters: ReadonlyArray<Letter>
  readonly unit: Source.Unit
}

export interface Parts {
  readonly parts: ReadonlyArray<Part>
  /** The letter that a call or a record came from. */
  readonly origin: ReadonlyMap<unknown, string>
  /** The rows that sinks rejected, by the item that represents them in the pipeline. */
  readonly made: ReadonlyMap<CallSession.CallSession, object>
}

interface Ready {
  readonly id: string
  readonly session: CallSession.CallSession
}

const isObject = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

const textIn = (row: Readonly<Record<string, unknown>>, ...names: ReadonlyArray<string>): string | undefined => {
  for (const name of names) {
    const value = row[name]
    if (typeof value === "string") return value
  }
  return undefined
}

const mostInPart = 100

/**
 * Groups letters by the time of their observation, and each group is marked as one. A sink names a rejected row by its
 * call, so a group has each call once. The time of observation is the version of a row, so the earliest come first.
 */
export const inParts = (letters: ReadonlyArray<Letter>): Parts => {
  const origin = new Map<unknown, string>()
  const made = new Map<CallSession.CallSession, object>()
  const ready = new Map<Letter, Ready>()
  const reasons = new Map<Letter, string>()
  const parts: Array<Array<Letter>> = []
  const ids = new Set<string>()

  const prepare = (letter: Letter): void => {
    const { row } = letter
    if (isObject(row)) {
      const id = letter.id ?? textIn(row, "id") ?? letter.letter
      const startedAt = textIn(row, "startedAt")
      const session: CallSession.CallSession = { id, ...(startedAt === undefined ? {} : { startedAt }) }
      made.set(session, row)
      origin.set(session, letter.letter)
      ready.set(letter, { id, session })
      return
    }
    const decoded = CallSession.fromWire(letter.record)
    origin.set(letter.record, letter.letter)
    if (Result.isFailure(decoded)) reasons.set(letter, decoded.failure)
    else {
      origin.set(decoded.success, letter.letter)
      ready.set(letter, { id: letter.id ?? decoded.success.id, session: decoded.success })
    }
  }

  for (const letter of letters.toSorted((left, right) => left.observedAt - right.observedAt)) {
    prepare(letter)
    const id = ready.get(letter)?.id ?? letter.letter
    const part = parts.at(-1)
    if (part?.[0]?.observedAt === letter.observedAt && part.length < mostInPart && !ids.has(id)) part.push(letter)
    else {
      parts.push([letter])
      ids.clear()
    }
    ids.add(id)
  }

  const unitOf = (some: ReadonlyArray<Letter>, place: number): Source.Unit => {
    const observedAt = some[0]?.observedAt ?? Version.of(0)
    const items = some.flatMap((letter) => {
      const found = ready.get(letter)
      return found === undefined
        ? []
        : [
            {
              id: found.id,
              start: CallSession.startInstant(found.session),
              version: Version.of(letter.observedAt),
              row: found.session
            }
          ]
    })
    const rejected = some.flatMap((letter) => {
      const reason = reasons.get(letter)
      const { record, stage } = letter
      return reason === undefined ? [] : [{ stage, reason, raw: record, page: 0, index: 0, observedAt }]
    })
    // Positions in the file, not times.
    return { _tag: "Page", rows: Rows.make(items, Instant.of(observedAt)), rejected, to: Position.of(place + 1) }
  }

  return { parts: parts.map((some, place) => ({ letters: some, unit: unitOf(some, place) })), origin, made }
}

/** The organization of the calls, where one of them has it. */
export const organizationOf = (letters: ReadonlyArray<Letter>): string | undefined => {
  for (const { record, row } of letters) {
    const one = row ?? record
    const found = isObject(one) ? textIn(one, "organizationId", "organization_id") : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Refuses transforms that cannot be applied to records that were redacted in the dead-letter file. */
export const check = Effect.fnUntraced(function* (
  letters: ReadonlyArray<Letter>,
  spec: Spec,
  redaction: Transform.Redaction | undefined
): Effect.fn.Return<void, UsageError> {
  for (const letter of letters) {
    if (letter.redaction === undefined || letter.row !== undefined) continue
    const { fields, label } = letter.redaction
    if (redaction !== undefined && redaction.label !== label) {
      return yield* new UsageError({ option: "redact", reason: { _tag: "RedactedOtherwise", label } })
    }
    const found = yield* Transforms.readsAny(spec, fields)
    if (found !== undefined) {
      return yield* new UsageError({ option: "where", reason: { _tag: "ReadsRedacted", ...found } })
    }
  }
})
