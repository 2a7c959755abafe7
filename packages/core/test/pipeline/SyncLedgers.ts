/** Ledgers in memory that are killed, lost and restored. */
import type { Fingerprint } from "@callstream/core/model/Fingerprint"
import { type Entry, type Lease, Ledger } from "@callstream/core/sync/Ledger"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type { Faults } from "./SyncFaults.ts"

/** A copy of a ledger, as a backup has it. */
export interface Copy {
  readonly state: Schema.Json
  readonly head: number
  readonly entries: ReadonlyArray<Entry>
  readonly identity: Pick<Lease, "id" | "key"> | undefined
  readonly fingerprint: Fingerprint | undefined
  readonly acknowledged: Lease["acknowledged"] extends Effect.Effect<infer A> ? A : never
}

/** `state`: of a ledger that begins. */
export const make = (faults: Faults, state: Schema.Json) => {
  let identity: Pick<Lease, "id" | "key"> | undefined
  let current: Ledger["Service"] | undefined
  let fingerprint: Fingerprint | undefined
  const load = (copy: Partial<Copy>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const ledger = yield* Effect.provide(Ledger, Ledger.layerMemory)
        fingerprint = copy.fingerprint ?? fingerprint
        current = ledger
        const lease = yield* ledger.open("calls", fingerprint)
        yield* lease.note({ state: copy.state ?? state, head: copy.head ?? 0, entries: copy.entries ?? [] })
        for (const [name, { commit, note }] of Object.entries(copy.acknowledged ?? {})) {
          yield* lease.acknowledge(name, commit, note)
        }
        identity = copy.identity ?? { id: lease.id, key: lease.key }
      })
    )
  const service = Effect.suspend(() => (current === undefined ? Effect.die("no ledger") : Effect.succeed(current)))
  const layer = Layer.succeed(Ledger, {
    names: Effect.flatMap(service, ({ names }) => names),
    view: (name) => Effect.flatMap(service, ({ view }) => view(name)),
    ask: (...asked) => Effect.flatMap(service, ({ ask }) => ask(...asked)),
    open: (name, asked) =>
      Effect.map(
        Effect.flatMap(service, ({ open }) => open(name, asked)),
        (lease): Lease => ({
          ...lease,
          get id() {
            return identity?.id ?? lease.id
          },
          key: identity?.key ?? lease.key,
          restart: (next, least) =>
            Effect.suspend(() => {
              fingerprint = next ?? fingerprint
              return Effect.tap(lease.restart(next, least), () =>
                Effect.sync(() => {
                  if (identity !== undefined) identity = { ...identity, id: lease.id }
                })
              )
            }),
          note: (note) =>
            faults
              .passBy("before a note")
              .pipe(Effect.andThen(lease.note(note)), Effect.andThen(faults.passBy("after a note"))),
          acknowledge: (consumer, commit, note) =>
            faults
              .passBy("before acknowledging")
              .pipe(
                Effect.andThen(lease.acknowledge(consumer, commit, note)),
                Effect.andThen(faults.passBy("after acknowledging"))
              )
        })
      )
  })
  const read = <A>(f: (lease: Lease) => Effect.Effect<A, unknown>) =>
    Effect.scoped(Effect.flatMap(service, ({ open }) => Effect.flatMap(open("calls", undefined), f)))
  return {
    layer,
    load,
    copy: read((lease) =>
      Effect.gen(function* () {
        const { head, state = null } = yield* lease.kept
        const entries = yield* lease.changedAfter(0, Infinity)
        return { state, head, entries, identity, fingerprint, acknowledged: yield* lease.acknowledged }
      })
    )
  }
}
