/** Why nothing came: which filters matched no call, and which values there are instead. Never personal data. */
import { AgniClient, type CallSession, type CallSessionQuery, type CallSessions, Instant } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Condition, type Field, fields, isField } from "../option/Condition.ts"

/** Values of a field that are shown, and characters of one. */
const mostValues = 8
const longest = 40

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

export interface Finding {
  /** What matched nothing, in words. */
  readonly filters: ReadonlyArray<string>
  readonly seen: ReturnType<Seen["values"]>
  /** Where the values were looked for, if not in the range itself. */
  readonly elsewhere: boolean
}

const shown = (values: ReadonlyArray<string>): string =>
  [
    ...values.slice(0, mostValues).map((value) => (value.length > longest ? `${value.slice(0, longest)}…` : value)),
    ...(values.length > mostValues ? ["…"] : [])
  ].join(", ")

/** `No calls matched status "faild". Seen: completed, failed, busy.` */
export const describe = ({ elsewhere, filters, seen }: Finding): string => {
  const all = Object.entries(seen)
  const values =
    all.length === 1 ? shown(all[0]?.[1] ?? []) : all.map(([field, some]) => `${field} ${shown(some)}`).join("; ")
  const where = elsewhere ? " outside the range" : ""
  return `No calls matched ${filters.join(" and ")}.${values === "" ? "" : ` Seen${where}: ${values}.`}`
}

/** Of conditions that left out every call. */
export const ofConditions = (conditions: ReadonlyArray<Condition>, seen: Seen): Finding => {
  const texts = conditions.flatMap(({ text }) => (text === undefined ? [] : [text]))
  const others = conditions.length - texts.length
  const rest =
    others === 0
      ? []
      : [`${texts.length === 0 ? "" : "the other "}${others === 1 ? "condition" : "conditions"} of --where`]
  return {
    filters: [...texts, ...rest.map((text) => (texts.length === 0 ? `the ${text}` : text))],
    seen: seen.values(),
    elsewhere: false
  }
}

/** Of the server's filters: a page without them is looked at, and one without the range where that is empty. */
export const ofSelection = Effect.fnUntraced(function* (
  selection: CallSessions.Selection,
  { from, to }: { readonly from: Instant.Instant | undefined; readonly to: Instant.Instant | undefined }
) {
  const { agentId, callerNumber, channel, search, status } = selection
  const named = Object.entries({ status, channel, agentId }).flatMap(([name, value]) =>
    value === undefined || !isField(name) ? [] : [{ name, value }]
  )
  const filters = [
    ...named.map(({ name, value }) => `${name} ${JSON.stringify(value)}`),
    ...(callerNumber === undefined ? [] : ["the caller number"]),
    ...(search === undefined ? [] : ["the search"])
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
