/** Text of one record that is searched for personal data, and what is found replaced. */
import * as Emails from "../../model/internal/Emails.ts"
import * as Phones from "../../model/internal/Phones.ts"
import * as StandIn from "../../model/internal/StandIn.ts"
import type { KnownFields, Wanted } from "./KnownFields.ts"
import * as Names from "./Names.ts"
import * as OwnNumbers from "./OwnNumbers.ts"
import { type Depth, isFigure } from "./PersonalFields.ts"
import type { Substitutes } from "./Substitutes.ts"
import * as Urls from "./Urls.ts"

/** The same for all records. */
export interface Rules extends Wanted {
  readonly substitutes: Substitutes
  readonly emails: boolean
  readonly freeTexts: boolean
}

export const rulesOf = (substitutes: Substitutes): Rules => ({
  substitutes,
  phones: substitutes.modes.has("phone"),
  names: substitutes.modes.has("name"),
  recordings: substitutes.modes.has("recording"),
  emails: substitutes.modes.has("email"),
  freeTexts: substitutes.modes.has("freeText")
})

export interface Search {
  readonly rules: Rules
  /** What the record says of itself. */
  readonly known: KnownFields
}

/** A replacement is not redacted again, and the text that remains is searched again. */
export const replace = (self: Search, given: string, depth: Depth): string => {
  let text = once(self, given, depth)
  if (text === given) return given
  if (StandIn.isIn(given)) text = given
  for (;;) {
    const next = StandIn.between(text, (part) => once(self, part, depth))
    if (next === text) return text
    text = next
  }
}

/** Whether these are the digits of a short number of the record. */
export const isShort = ({ known }: Search, digits: string): boolean =>
  known.short && known.phones.some(({ digits: own, ending }) => ending === undefined && own === digits)

const once = ({ known, rules }: Search, given: string, depth: Depth): string => {
  const { within } = rules.substitutes
  let text = given
  if (rules.recordings) {
    if (known.recording !== undefined && text.includes(known.recording)) {
      text = text.replaceAll(known.recording, () => within.recording(known.recording ?? ""))
    }
    text = Urls.replace(text, within.recording)
  }
  if (rules.emails && (depth === "any" || depth === "url" || text.includes("@"))) {
    text = Emails.replace(text, within.email)
  }
  if (rules.phones && !(depth === "figure" && isFigure(text))) {
    // A number of the record has the same hash however it is written.
    text = Phones.replace(text, depth === "any" ? "any" : "marked", (found) =>
      within.phone(OwnNumbers.knownIn(Phones.digitsOf(found), known.phones)?.text ?? found)
    )
    text = OwnNumbers.replace(text, known.phones, (own) => within.phone(own.text))
  }
  const own = known.name
  return own === undefined ? text : Names.replaceKnown(text, own, () => within.name(own.text))
}
