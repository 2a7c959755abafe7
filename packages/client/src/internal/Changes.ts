/** A sync as a loop over changes, with its ledger in a store of the user's. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import * as CallSessions from "@callstream/core/CallSessions"
import * as Instant from "@callstream/core/model/Instant"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as StoredLedger from "@callstream/core/sync/StoredLedger"
import type * as Sync from "@callstream/core/sync/Sync"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Change, ChangesOptions, LedgerStore, Look } from "../ChangeTypes.ts"
import { LedgerError } from "../ClientErrors.ts"
import * as Checked from "./Checked.ts"
import * as Loops from "./Loops.ts"
import * as RefusedOptions from "./RefusedOptions.ts"

/** A store is one ledger, whichever loop and client reads it: so that two loops do not write to it at once. */
const services = new WeakMap<LedgerStore, Ledger["Service"]>()
const name = "changes"

const failureOf = (error: unknown): { readonly message: string } =>
  error instanceof Error ? error : { message: String(error) }

const serviceOf = (store: LedgerStore): Ledger["Service"] => {
  const known = services.get(store)
  if (known !== undefined) return known
  const service = StoredLedger.make({
    name: "the store of the ledger",
    read: () => Effect.tryPromise({ try: () => store.read(), catch: failureOf }),
    write: (_, changes) => Effect.tryPromise({ try: () => store.write(changes), catch: failureOf }),
    names: Effect.succeed([name])
  })
  services.set(store, service)
  return service
}

const lookOf = ({ changes, rejected, requests, watermark, why }: Sync.Look): Look => ({
  why,
  changes: changes.length,
  rejected: rejected.map(Checked.plainRejected),
  requests,
  watermark: Instant.format(watermark)
})

/** The calls of changes, each checked by itself: one that is refused is still a change. */
const checkEach = <Metadata, Analysis>(
  check: Checked.Check<Metadata, Analysis>,
  changes: ReadonlyArray<Sync.Delivered>
) => Effect.forEach(changes, ({ session }) => (session === undefined ? Effect.succeed(Checked.none) : check([session])))

export const read = <Metadata, Analysis>(
  context: Context.Context<AgniClient>,
  check: Checked.Check<Metadata, Analysis>,
  { ledger, onLook, signal, ...options }: ChangesOptions
): Loops.Read<Change<Metadata, Analysis>> => ({
  signal,
  begin: () => {
    const wrong = RefusedOptions.mistakeIn({ from: options.from })
    if (wrong !== undefined) return Stream.fail(wrong)
    const loop = { isOver: false }
    const acknowledge = (change: Sync.Delivered) => () =>
      loop.isOver
        ? Promise.reject(new LedgerError("LoopEnded", "The loop has ended. Acknowledge a change before."))
        : Loops.once(context, change.acknowledge, undefined)
    const plain = (
      change: Sync.Delivered,
      { rejected, sessions }: Checked.Checked<Metadata, Analysis>
    ): Change<Metadata, Analysis> => ({
      kind: change.kind,
      id: change.id,
      facets: change.facets,
      milestones: change.milestones,
      sequence: change.sequence,
      previous: change.previous,
      session: sessions[0],
      rejected: rejected[0],
      acknowledge: acknowledge(change)
    })
    return CallSessions.changes({
      ...options,
      name,
      ...(onLook === undefined ? {} : { onLook: (look: Sync.Look) => Effect.promise(async () => onLook(lookOf(look))) })
    }).pipe(
      Stream.chunks,
      Stream.mapEffect((changes) =>
        Effect.map(checkEach(check, changes), (checked) =>
          changes.map((change, i) => plain(change, checked[i] ?? Checked.none))
        )
      ),
      Stream.ensuring(Effect.sync(() => void (loop.isOver = true))),
      Stream.provideService(Ledger, serviceOf(ledger))
    )
  }
})
