/** Explains an empty result: the filters that matched no call, and the values that were seen. No personal data. */
import { AgniClient, type CallSession, type CallSessionQuery, type CallSessions, Instant } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Condition, type Field, fields, isField } from "../option/Condition.ts"

/** Values of a field that are kept: one more than are shown. */
export const mostValues = 8

export interface Seen {
  readonly add: (sessions: Iterable<CallSession.CallSession>) => void
  readonly values: () => Readonly<Partial<Record<Field, ReadonlyArray<string>>>>
}

/** The first few values of each field. */
export const makeSeen = (wanted: ReadonlyArray<Field>): Seen => {
  const found = new Map<Field, Set<string>>()
  return {
    add: (sessions) => {
      for (const session of sessions) {
        for (const field of wanted) {
          const value = fields[field](session)
          if (typeof value !== "string" || value === "") continue
          const values = found.get(field) ?? new Set()
          found.set(field, values)
          if (values.size <= mostValues) values.add(value)
        }
      }
    },
    values: () => Object.fromEntries([...found].map(([field, values]) => [field, [...values]]))
  }
}

/** A filter that matched nothing. */
export type Filter =
  | { readonly _tag: "Condition"; readonly text: string }
  /** Conditions that may name a person; `others` beside those that are named. */
  | { readonly _tag: "Conditions"; readonly count: number; readonly others: boolean }
  | { readonly _tag: "Value"; readonly field: Field; readonly value: string }
  | { readonly _tag: "CallerNumber" }
  | { readonly _tag: "Search" }

export interface Finding {
  readonly filters: ReadonlyArray<Filter>
  readonly seen: ReturnType<Seen["values"]>
  /** Where the values were seen, if not in the range itself. */
  readonly elsewhere: boolean
}

/** For conditions that left out every call. */
export const ofConditions = (conditions: ReadonlyArray<Condition>, seen: Seen): Finding => {
  const named = conditions.flatMap(({ text }): ReadonlyArray<Filter> =>
    text === undefined ? [] : [{ _tag: "Condition", text }]
  )
  const count = conditions.length - named.length
  const rest: ReadonlyArray<Filter> = count === 0 ? [] : [{ _tag: "Conditions", count, others: named.length > 0 }]
  return { filters: [...named, ...rest], seen: seen.values(), elsewhere: false }
}

/** For the server's filters: reads a page without them, and one without the range if that is empty. */
export const ofSelection = Effect.fnUntraced(function* (
  selection: CallSessions.Selection,
  { from, to }: { readonly from: Instant.Instant | undefined; readonly to: Instant.Instant | undefined }
) {
  const { agentId, callerNumber, channel, search, status } = selection
  const named = Object.entries({ status, channel, agentId }).flatMap(([name, value]) =>
    value === undefined || !isField(name) ? [] : [{ name, value }]
  )
  const filters: ReadonlyArray<Filter> = [
    ...named.map(({ name, value }) => ({ _tag: "Value", field: name, value }) as const),
    ...(callerNumber === undefined ? [] : [{ _tag: "CallerNumber" } as const]),
    ...(search === undefined ? [] : [{ _tag: "Search" } as const])
  ]
  if (filters.length === 0) return undefined
  const { list } = yield* AgniClient
  const seen = makeSeen(named.map(({ name }) => name))
  const look = (query: CallSessionQuery.CallSessionQuery) =>
    Effect.map(Effect.option(list({ ...query, pageSize: 100 }, { tries: 1 })), (page) => {
      const sessions = Option.match(page, { onNone: () => [], onSome: ({ rows }) => rows.sessions() })
      seen.add(sessions)
      return sessions.length > 0
    })
  const bounds = {
    ...(from === undefined ? {} : { startedAfter: Instant.format(from) }),
    ...(to === undefined ? {} : { startedBefore: Instant.format(to) })
  }
  const bounded = from !== undefined || to !== undefined
  const inside = named.length === 0 || (yield* look(bounds))
  const elsewhere = !inside && bounded && (yield* look({}))
  return { filters, seen: seen.values(), elsewhere } satisfies Finding
})
