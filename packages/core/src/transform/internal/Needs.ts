/** What two transforms need of a record, one after the other. */
import type { Needs } from "../../client/PageDecoder.ts"

export const bothOf = (first: Needs | undefined, second: Needs | undefined): Needs | undefined =>
  first && second && { fields: [...first.fields, ...second.fields], characters: first.characters + second.characters }
