/**
 * The reader computes with plain microseconds. What leaves it has the brand of an instant: windows are made here, and
 * nowhere else.
 */
import type { CallSession } from "../../model/CallSession.ts"
import * as Instant from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import * as Coverage from "../Coverage.ts"

/** Microseconds since the epoch, or a difference of them. */
export type Micros = number

export interface Range {
  readonly from: Micros
  readonly to: Micros
}

/** A range of which less is known than was said. */
export type Revision = Range & { readonly coverage: Coverage.Coverage }

type Rest = Omit<Coverage.Window, "rows" | "settled" | "from" | "to" | "observedAt" | "revised"> &
  Range & { readonly observedAt: Micros; readonly revised?: ReadonlyArray<Revision> | undefined }

const rangeOf = ({ from, to }: Range): Coverage.Range => ({ from: Instant.of(from), to: Instant.of(to) })

export const window = (items: ReadonlyArray<Item<CallSession>>, rest: Rest): Coverage.Window =>
  Coverage.make(items, {
    ...rest,
    ...rangeOf(rest),
    observedAt: Instant.of(rest.observedAt),
    revised: rest.revised?.map((one) => ({ ...rangeOf(one), coverage: one.coverage }))
  })
