/** Calls, as the user's own schemas have them. */
import * as CoreCall from "@callstream/core/model/CallSession"
import type { Rejected as CoreRejected } from "@callstream/core/model/Rejected"
import * as Effect from "effect/Effect"
import type { CallSession, Rejected } from "../CallTypes.ts"
import type { Schemas } from "../ClientOptions.ts"
import type { StandardIssue, StandardResult, StandardSchema } from "../StandardSchema.ts"

export interface Checked<Metadata, Analysis> {
  readonly sessions: ReadonlyArray<CallSession<Metadata, Analysis>>
  /** How many of the sessions are final. */
  readonly final: number
  readonly rejected: ReadonlyArray<Rejected>
}

/** Nothing to check. */
export const none: Checked<never, never> = { sessions: [], final: 0, rejected: [] }

const finalIn = (sessions: ReadonlyArray<CoreCall.CallSession>): number =>
  sessions.reduce((sum, session) => (CoreCall.isSettled(session) ? sum + 1 : sum), 0)

/** Applies the schemas to calls. */
export type Check<Metadata, Analysis> = (
  sessions: ReadonlyArray<CoreCall.CallSession>,
  rejected?: ReadonlyArray<CoreRejected>
) => Effect.Effect<Checked<Metadata, Analysis>>

type Field = "metadata" | "postCallAnalysisResult"

/** What a schema made of a field of a call. */
interface Outcome {
  readonly name: Field
  readonly result: StandardResult<unknown>
}

/** A refused record without the places in its page, which say nothing to the user. */
export const plainRejected = ({ raw, reason, stage }: CoreRejected): Rejected => ({ stage, reason, raw })

const pathOf = (name: Field, { path = [] }: StandardIssue): string =>
  [name, ...path.map((part) => String(typeof part === "object" ? part.key : part))]
    .map((key) => `[${JSON.stringify(key)}]`)
    .join("")

/** Names the places alone: the words of a schema may repeat a value. */
const refuse = (session: CoreCall.CallSession, outcomes: ReadonlyArray<Outcome>): Rejected => {
  const issues = outcomes.flatMap(({ name, result }) => (result.issues ?? []).map((issue) => ({ name, issue })))
  const places = [...new Set(issues.map(({ issue, name }) => pathOf(name, issue)))]
  const shown = places.slice(0, 3).join(", ")
  return {
    stage: "schema",
    reason: `your schema refused ${shown}${places.length > 3 ? ` and ${places.length - 3} more` : ""}`,
    raw: session,
    issues: issues.map(({ issue }) => issue)
  }
}

const split = <Metadata, Analysis>(
  sessions: ReadonlyArray<CoreCall.CallSession>,
  outcomes: ReadonlyArray<ReadonlyArray<Outcome>>
): Checked<Metadata, Analysis> => {
  const passed: Array<CoreCall.CallSession> = []
  const rejected: Array<Rejected> = []
  for (const [i, session] of sessions.entries()) {
    const own = outcomes[i] ?? []
    if (own.some(({ result }) => result.issues !== undefined)) rejected.push(refuse(session, own))
    else {
      const values = own.map(({ name, result }) => [name, result.issues === undefined ? result.value : undefined])
      // `Object.assign` would set the prototype where a call has a field `__proto__`; no call is of a class.
      // oxlint-disable-next-line typescript/no-misused-spread
      passed.push(values.length === 0 ? session : { ...session, ...Object.fromEntries(values) })
    }
  }
  return { sessions: typed(passed), final: finalIn(passed), rejected }
}

/** Both types are those of what the schemas return; without a schema, of the contract. */
const typed = <Metadata, Analysis>(
  sessions: ReadonlyArray<CoreCall.CallSession>
): ReadonlyArray<CallSession<Metadata, Analysis>> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  sessions as ReadonlyArray<CallSession<never, never>>

const valueOf = (session: CoreCall.CallSession, name: Field): unknown => {
  const value: unknown = session[name]
  const isAnalysis = name === "postCallAnalysisResult" && typeof value === "object" && value !== null
  return isAnalysis ? CoreCall.analysisValues(session) : value
}

/** A schema that throws becomes one that rejects: then one place handles the rejections of all. */
const validated = (schema: StandardSchema<unknown>, value: unknown): Pending["result"] => {
  try {
    return schema["~standard"].validate(value)
  } catch (error) {
    return Promise.reject(error)
  }
}

export const make = <Metadata, Analysis>(
  schemas: Schemas<Metadata, Analysis> | undefined
): Check<Metadata, Analysis> => {
  const { metadata, postCallAnalysisResult } = schemas ?? {}
  const given: ReadonlyArray<readonly [Field, StandardSchema<unknown> | undefined]> = [
    ["metadata", metadata],
    ["postCallAnalysisResult", postCallAnalysisResult]
  ]
  const used = given.flatMap(([name, schema]) => (schema === undefined ? [] : [{ name, schema }]))
  if (used.length === 0) {
    return (sessions, rejected = []) =>
      Effect.sync(() => ({
        sessions: typed(sessions),
        final: finalIn(sessions),
        rejected: rejected.map(plainRejected)
      }))
  }
  const outcomesOf = (session: CoreCall.CallSession) =>
    used.flatMap(({ name, schema }) => {
      const value = valueOf(session, name)
      return value === undefined || value === null ? [] : [{ name, result: validated(schema, value) }]
    })
  return (sessions, rejected = []) =>
    Effect.suspend(() => {
      const pending = sessions.map(outcomesOf)
      const waiting = pending.some((own) => own.some(({ result }) => result instanceof Promise))
      const settled = waiting
        ? Effect.promise(() => Promise.all(pending.map((own) => Promise.all(own.map(settle)))))
        : Effect.succeed(pending.map((own) => own.flatMap(atOnce)))
      return Effect.map(settled, (outcomes) => {
        const checked = split<Metadata, Analysis>(sessions, outcomes)
        return { ...checked, rejected: [...rejected.map(plainRejected), ...checked.rejected] }
      })
    })
}

interface Pending {
  readonly name: Field
  readonly result: StandardResult<unknown> | Promise<StandardResult<unknown>>
}

const settle = async ({ name, result }: Pending): Promise<Outcome> => ({ name, result: await result })

const atOnce = ({ name, result }: Pending): ReadonlyArray<Outcome> =>
  result instanceof Promise ? [] : [{ name, result }]
