/** A change of a call as an event: the same for a log, stdout and a webhook. */
import type { Change, Facet, Milestone } from "../../model/Change.ts"
import type { Version } from "../../model/Version.ts"

export interface Fields {
  readonly type: `call_session.${Change["kind"]}`
  readonly previousSequence: Version | null
  readonly changed: ReadonlyArray<Facet>
  readonly milestones: ReadonlyArray<Milestone>
}

/** The id of an event is a digest of this: a repeat has the same one, a call that changes back has another. */
export const identity = (organization: string, { id, sequence }: Change): string =>
  JSON.stringify([organization, id, sequence])

export const fields = ({ facets, kind, milestones, previous }: Change): Fields => ({
  type: `call_session.${kind}`,
  previousSequence: previous,
  changed: facets,
  milestones
})
