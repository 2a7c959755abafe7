/** Windows are made here, and nowhere else: the reader's plain microseconds become instants. */
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as Instant from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import * as Coverage from "../Coverage.ts"

/** A range of which less is known than was said. */
export type Revision = Micros.Range & { readonly coverage: Coverage.Coverage }

type Rest = Omit<Coverage.Window, "rows" | "settled" | "from" | "to" | "observedAt" | "revised"> &
  Micros.Range & { readonly observedAt: Micros.Micros; readonly revised?: ReadonlyArray<Revision> | undefined }

const rangeOf = ({ from, to }: Micros.Range): Coverage.Range => ({ from: Instant.of(from), to: Instant.of(to) })

export const make = (items: ReadonlyArray<Item<CallSession>>, rest: Rest): Coverage.Window =>
  Coverage.make(items, {
    ...rest,
    ...rangeOf(rest),
    observedAt: Instant.of(rest.observedAt),
    revised: rest.revised?.map((one) => ({ ...rangeOf(one), coverage: one.coverage }))
  })
