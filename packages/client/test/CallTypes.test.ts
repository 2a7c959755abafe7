/** The plain interfaces are those of core: the compiler fails where one has a field, a tag or a type that the other has not. */
import type * as Client from "@callstream/client"
import type * as Simulated from "@callstream/client/testing"
import type * as CallSessions from "@callstream/core/CallSessions"
import type { Settings } from "@callstream/core/client/AgniClient"
import type * as Budget from "@callstream/core/client/Budget"
import type * as RetryPolicy from "@callstream/core/client/RetryPolicy"
import type * as CoreReason from "@callstream/core/coverage/CoverageReason"
import type * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import type * as CoreCoverage from "@callstream/core/history/Coverage"
import type * as CoreError from "@callstream/core/model/AgniError"
import type * as CoreCall from "@callstream/core/model/CallSession"
import type * as CoreQuery from "@callstream/core/model/CallSessionQuery"
import type * as CoreChange from "@callstream/core/model/Change"
import type * as Instant from "@callstream/core/model/Instant"
import type * as Sync from "@callstream/core/sync/Sync"
import type { LedgerReason } from "@callstream/core/sync/LedgerError"
import type { AgniSimulator, Fault as CoreFault } from "@callstream/core/testing"
import { Limits } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"

/** Each is one of the other, with the same fields, also those that may be absent. */
type Same<A, B> = [Required<A>] extends [Required<B>] ? ([Required<B>] extends [Required<A>] ? true : false) : false
type SameKeys<A, B> = Same<Record<keyof A & string, 0>, Record<keyof B & string, 0>>
type Takes<A, B> = [A] extends [B] ? true : false
type Tag<A> = A extends { readonly _tag: infer T } ? T : never
/** The names of fields by tag. */
type Fields<A> = { readonly [T in Tag<A> & string]: keyof Extract<A, { readonly _tag: T }> }
/** The same of unions whose members are written for several tags at once. */
type Spread<A> = A extends { readonly _tag: infer T }
  ? T extends string
    ? Omit<A, "_tag"> & { readonly _tag: T }
    : never
  : never
type SameUnion<A, B> = Same<Fields<Spread<A>>, Fields<B>> extends true ? Same<A, B> : false

type CoreSelection = CallSessions.Selection & { keepGoing: 0; horizon: 0; signal: 0 }
type CoreChanges = Omit<CallSessions.ChangesOptions, "name"> & { ledger: 0; signal: 0 }
type OfSimulator = AgniSimulator.Options

const inStep: {
  readonly calls: [
    Same<Client.CallSession, CoreCall.CallSession>,
    Same<Client.CreditBreakdown, CoreCall.CreditBreakdown>,
    Same<Client.KnownStatus, CoreCall.KnownStatus>,
    Same<Client.KnownSortField, CoreQuery.KnownSortField>
  ]
  readonly selections: [
    SameKeys<Client.CallSessionQuery, CoreQuery.CallSessionQuery>,
    Takes<Client.CallSessionQuery, CoreQuery.CallSessionQuery>,
    SameKeys<Client.Selection, CoreSelection>,
    SameKeys<Client.StreamOptions, Omit<CallSessions.StreamOptions, "horizon" | "keepGoing">>,
    Same<Client.StreamOptions["order"], CallSessions.StreamOptions["order"]>,
    SameKeys<Client.ChangesOptions, CoreChanges>,
    Takes<Client.Time, Instant.Bound>,
    Takes<Client.Duration, Duration.Input>
  ]
  readonly options: [
    SameKeys<Client.Retry, RetryPolicy.RetryPolicy>,
    Takes<Client.Retry, RetryPolicy.Options>,
    Same<Client.Rate, Budget.Options>,
    // Nothing is traced or measured in a program without Effect.
    Takes<Exclude<keyof Settings, keyof Client.ClientOptions>, "transformClient" | "name">
  ]
  readonly coverage: [
    Same<Client.Proof, CoverageSet.Verdict>,
    SameUnion<Client.CoverageReason, CoreReason.CoverageReason>,
    Same<Client.Outside, CoreCoverage.Outside>,
    // Plain windows have calls in place of rows; what core says of the endpoint is in the log.
    Same<Exclude<keyof CoreCoverage.Window, keyof Client.Window>, "rows" | "settled" | "extra" | "endpoint">
  ]
  readonly errors: [
    SameUnion<Client.AgniReason, typeof CoreError.AgniErrorReason.Encoded>,
    SameUnion<Client.Outage, typeof CoreError.Outage.Encoded>,
    SameUnion<Client.Malformed, typeof CoreError.Malformed.Encoded>,
    Takes<Exclude<(typeof LedgerReason.Type)["_tag"], Client.LedgerError["reason"]>, "OfExport">
  ]
  readonly changes: [
    Takes<
      Omit<CoreChange.Change, "sequence" | "previous">,
      Pick<Client.Change, "kind" | "id" | "facets" | "milestones">
    >,
    Same<Client.Facet, CoreChange.Facet>,
    Same<Client.Milestone, CoreChange.Milestone>,
    Same<Client.Change["kind"], CoreChange.Kind>,
    SameKeys<Omit<Client.Change, "rejected">, Omit<Sync.Delivered, "commit" | "replaces">>,
    Same<Client.Look["why"], Sync.Why>,
    SameKeys<Client.Look, Sync.Look>
  ]
  readonly simulator: [
    SameKeys<Simulated.SimulatorOptions, OfSimulator>,
    Takes<Simulated.SimulatorOptions, OfSimulator>,
    SameKeys<Simulated.BoundsOptions, AgniSimulator.BoundsOptions>,
    SameKeys<Simulated.CacheOptions, AgniSimulator.CacheOptions>,
    Same<Simulated.LifeOptions, NonNullable<OfSimulator["life"]>>,
    Same<Simulated.DefaultOrder, AgniSimulator.DefaultOrder>,
    SameKeys<Simulated.SimulatedRequest, AgniSimulator.RecordedRequest>,
    Takes<Simulated.Fault, CoreFault.Fault>,
    Same<Fields<Spread<Simulated.Fault>>, Fields<CoreFault.Fault>>
  ]
} = {
  calls: [true, true, true, true],
  selections: [true, true, true, true, true, true, true, true],
  options: [true, true, true, true],
  coverage: [true, true, true, true],
  errors: [true, true, true, true],
  changes: [true, true, true, true, true, true, true],
  simulator: [true, true, true, true, true, true, true, true, true]
}

describe("the types of the client", () => {
  it("are in step with those of core", () => {
    assert.isTrue(Object.values(inStep).flat().every(Boolean))
  })

  it("name the default horizon as it is", () => {
    assert.strictEqual(Duration.toHours(Duration.fromInputUnsafe(Limits.defaultHorizon)), 2)
  })
})
