/** Explains an empty result in words. */
import { type Filter, type Finding, mostValues } from "../run/Unmatched.ts"

/** The most characters of a value that are shown. */
const longest = 40

const filterWords = (filter: Filter): string => {
  switch (filter._tag) {
    case "Condition":
      return filter.text
    case "Conditions":
      return `the ${filter.others ? "other " : ""}${filter.count === 1 ? "condition" : "conditions"} on each call`
    case "Value":
      return `${filter.field} ${JSON.stringify(filter.value)}`
    case "CallerNumber":
      return "the caller number"
    case "Search":
      return "the search"
  }
}

/** With the filters in words, for a summary as JSON. */
export const toJson = ({ elsewhere, filters, seen }: Finding) => ({
  filters: filters.map(filterWords),
  seen,
  elsewhere
})

const shown = (values: ReadonlyArray<string>): string =>
  [
    ...values.slice(0, mostValues).map((value) => (value.length > longest ? `${value.slice(0, longest)}…` : value)),
    ...(values.length > mostValues ? ["…"] : [])
  ].join(", ")

/** `No calls matched status "faild". Seen: completed, failed, busy.` */
export const describe = ({ elsewhere, filters, seen }: Finding): string => {
  const all = Object.entries(seen)
  const values =
    all.length === 1 ? shown(all[0]?.[1] ?? []) : all.map(([field, some]) => `${field} ${shown(some)}`).join("; ")
  const where = elsewhere ? " outside the range" : ""
  return `No calls matched ${filters.map(filterWords).join(" and ")}.${values === "" ? "" : ` Seen${where}: ${values}.`}`
}
