/** What each consumer of a ledger has, as far as the ledger can tell. */
import type { Consumer } from "../Sync.ts"
import type { SyncState } from "./SyncState.ts"

export type Consumers = Readonly<Record<string, Consumer>>
type Kept = NonNullable<SyncState["consumers"]>

/** The commit up to which a consumer has everything, by what it acknowledged. */
export const has = (kept: Kept[string] | undefined, acknowledged: number): number =>
  kept === undefined || (kept.until !== undefined && acknowledged >= kept.until)
    ? acknowledged
    : Math.min(kept.has, acknowledged)

const map = (consumers: Consumers, f: (consumer: Consumer, name: string) => Kept[string]): Kept =>
  Object.fromEntries(Object.entries(consumers).map(([name, consumer]) => [name, f(consumer, name)]))

/** Those that are not in this run: what they have stays as it was. */
const leftOut = ({ consumers: kept = {} }: SyncState, consumers: Consumers): Kept =>
  Object.fromEntries(
    Object.entries(kept).flatMap(([name, one]) => (name in consumers ? [] : [[name, { ...one, isLeftOut: true }]]))
  )

/** The state of a pass that begins with these. */
export const begun = (state: SyncState, head: number, consumers: Consumers): SyncState => ({
  ...state,
  consumers: {
    ...leftOut(state, consumers),
    ...map(consumers, (consumer, name) => {
      const commit = has(state.consumers?.[name], consumer.has)
      return commit >= head ? { has: commit, until: head } : { has: commit }
    })
  }
})

/** The state once those that are open were given what they lacked. */
export const caughtUp = (state: SyncState, head: number, consumers: Consumers): SyncState => ({
  ...state,
  consumers: {
    ...state.consumers,
    ...map(consumers, ({ has, isOpen }, name) => {
      const kept = state.consumers?.[name] ?? { has }
      return isOpen ? { has: kept.has, until: head } : kept
    })
  }
})

/** Consumers of the last run. */
export const used = (kept: Kept): ReadonlyArray<string> =>
  Object.entries(kept).flatMap(([name, { isLeftOut }]) => (isLeftOut === true ? [] : [name]))

/** Whether the ledger knows other consumers, or one that lacks less: a table may be lost, or be an older copy. */
export const isNews = (
  { consumers: kept = {} }: SyncState,
  consumers: Consumers,
  acknowledged: Readonly<Record<string, { readonly commit: number }>>
): boolean =>
  used(kept).toSorted().join("\n") !== Object.keys(consumers).sort().join("\n") ||
  Object.entries(consumers).some(([name, consumer]) => consumer.has < has(kept[name], acknowledged[name]?.commit ?? 0))
