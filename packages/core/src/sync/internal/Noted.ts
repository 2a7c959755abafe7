/** A change that was noted, with the call as it came. */
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Change } from "../Sync.ts"
import type { Changed } from "./Decide.ts"

/** The call is decoded when somebody reads it: a log of changes passes its bytes on. */
class Noted implements Change {
  readonly id: string
  readonly kind: Change["kind"]
  readonly facets: Change["facets"]
  readonly milestones: Change["milestones"]
  readonly sequence: Change["sequence"]
  readonly previous: Change["previous"]
  readonly commit: Change["commit"]
  readonly replaces: Change["replaces"]
  readonly item: Item<CallSession> | undefined

  constructor(change: Changed, item: Item<CallSession> | undefined, at: Pick<Change, "id" | "commit" | "replaces">) {
    this.id = at.id
    this.kind = change.kind
    this.facets = change.facets
    this.milestones = change.milestones
    this.sequence = change.sequence
    this.previous = change.previous
    this.commit = at.commit
    this.replaces = at.replaces
    this.item = item
  }

  get session(): CallSession | undefined {
    return this.item?.row
  }
}

export const make = (
  change: Changed,
  item: Item<CallSession> | undefined,
  at: Pick<Change, "id" | "commit" | "replaces">
): Change => new Noted(change, item, at)

/** The item that the call of a change came as; nothing without a call, or of a change that is no `Noted`. */
export const itemOf = (change: Change): Item<CallSession> | undefined =>
  change instanceof Noted ? change.item : undefined
