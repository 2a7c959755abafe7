/** For each rule of a window's verdict a small history that needs it. */
import type { Event } from "./SmallServer.ts"
import { hourOf, type Shape, shapes } from "./SmallShapes.ts"

/**
 * Without the rule a window is called proven that lacks a row, or, where that is said, it is not proven, or takes more requests.
 */
export interface Rule {
  readonly rule: string
  readonly shape: Shape
  readonly events: ReadonlyArray<Event>
  /** Whether all windows are proven; where nothing is said, either will do. */
  readonly isProven?: boolean
  readonly requests?: number
}

const named = (name: string): Shape => {
  const shape = shapes.get(name)
  if (shape === undefined) throw new Error(`no shape has the name ${name}`)
  return shape
}

const on = (name: string, ...events: ReadonlyArray<Event>): Pick<Rule, "events" | "shape"> => ({
  shape: named(name),
  events
})

const forever = 1e9

const hides = (row: number, from: number, to: number, every: 1 | 2 = 1): Event => ({
  kind: "hides",
  row,
  from,
  to,
  every
})

const counts: ReadonlyArray<Rule> = [
  {
    rule: "the count after a walk is as many as came",
    ...on("long, walk, newest, 4 a page, depth empty 2", hides(2, 1, 11))
  },
  {
    rule: "a count that cannot be had agrees with nothing",
    ...on("long, walk, newest, 4 a page, depth error 2", hides(4, 1, 10))
  },
  {
    rule: "the count before a walk is as many as the one after it",
    ...on("apart, cut, newest, 2 a page, depth empty 2", hides(5, 1, 29), hides(2, 1, 3))
  },
  {
    rule: "pages that were given up are no whole reading",
    ...on("burst, cut, oldest, 3 a page", hides(5, 4, forever, 2))
  },
  {
    rule: "a lost seam is no whole reading",
    ...on("tied, pages, newest, 3 a page, ties turn", hides(5, 1, 12))
  },
  {
    rule: "where more was shown or counted than came, no halves are counted",
    ...on("tied, pages, created, 3 a page, known as other, results first 4"),
    isProven: true,
    requests: 19
  }
]

const again: ReadonlyArray<Rule> = [
  {
    rule: "once answers differed, one reading is not enough",
    ...on("tied, pages, newest, 3 a page, differs", hides(4, 1, 5))
  },
  {
    rule: "what one window showed of that holds for the next",
    ...on("long, walk, newest, 4 a page, depth last 2", hides(9, 1, 18))
  },
  {
    rule: "the second reading brings the same rows",
    ...on("tied, cut, newest, 3 a page, known as start, differs", hides(4, 11, forever, 2), hides(5, 1, 15))
  },
  {
    rule: "what the second reading counts must be among them",
    ...on("tied, pages, oldest, 3 a page, differs", hides(1, 1, 9))
  },
  {
    rule: "what the counts of halves list must be among them",
    ...on("tied, pages, scrambled, 3 a page, known as other, depth first 2", hides(2, 1, 5), hides(3, 6, forever, 2))
  },
  {
    rule: "reading again proves nothing where no passes agree",
    ...on("apart, pages, newest, 3 a page", hides(3, 2, forever, 2))
  },
  {
    rule: "reading again proves nothing where the pages end too soon",
    ...on("apart, walk, newest, 2 a page, depth last 2", hides(4, 2, forever, 2))
  },
  {
    rule: "rows from elsewhere show that bounds were not understood",
    ...on(
      "long, walk, created, 4 a page, known as other, depth first 3",
      { kind: "unbounded", from: 10, to: 11 },
      { kind: "byCreation", from: 6, to: forever }
    )
  },
  {
    rule: "a row in the middle comes back for its own second",
    ...on("apart, walk, created, 3 a page, known as other", { kind: "byCreation", from: 4, to: forever }),
    isProven: false
  },
  {
    rule: "the ends come back after reading again, too",
    ...on(
      "tied, cut, created, 3 a page, known as other, results empty 4",
      hides(2, 5, forever),
      hides(3, 8, forever, 2)
    ),
    isProven: false
  },
  {
    rule: "after reading again no count was greater",
    ...on("tied, walk, oldest, 3 a page, ties turn", hides(3, 2, forever), { kind: "arrives", row: 4, after: 12 }),
    isProven: false
  },
  {
    rule: "after reading again no row was shown that did not come",
    ...on("tied, pages, oldest, 3 a page, known as other, results last 3")
  }
]

const limits: ReadonlyArray<Rule> = [
  {
    rule: "a part holds fewer than the whole was counted to hold",
    ...on("tied, cut, newest, 3 a page, results first 3")
  },
  {
    rule: "what lies beside rows that all start together is read by itself",
    shape: hourOf([5, 8, 11, 11.002, 11.004], { size: 3, results: { most: 3, cut: "first" } }),
    events: [],
    isProven: true
  },
  {
    rule: "in no order of time the halves are counted",
    ...on("long, pages, created, 4 a page, known as other, results last 8"),
    isProven: true
  },
  {
    rule: "a count that a limit cut cuts the range",
    ...on("apart, walk, newest, 2 a page, results first 4"),
    isProven: true
  },
  {
    rule: "after a lost seam a count is of no such limit",
    ...on("long, pages, oldest, 4 a page, known as other, results first 8", hides(7, 1, forever, 2)),
    isProven: true,
    requests: 22
  },
  {
    rule: "a count of no more than a page is of no such limit",
    ...on("long, walk, newest, 4 a page, results empty 8", { kind: "arrives", row: 2, after: 4 }),
    isProven: true,
    requests: 24
  },
  {
    rule: "a part that holds as many as the whole shows the next windows a limit",
    ...on("long, walk, newest, 4 a page, results first 5"),
    isProven: true,
    requests: 28
  },
  {
    rule: "rows that lie beyond what came cut the range",
    ...on("long, pages, created, 4 a page, known as other, results first 7"),
    isProven: true
  },
  {
    rule: "so do rows that are newer than what came",
    ...on("long, pages, scrambled, 4 a page, known as other, results last 7"),
    isProven: true
  },
  {
    rule: "less than a page was cut by no limit",
    ...on("apart, pages, newest, 3 a page", hides(1, 5, forever, 2)),
    requests: 32
  },
  {
    rule: "a range that lacks rows is cut before it is read again",
    ...on("long, walk, newest, 4 a page, results first 7"),
    isProven: true
  },
  {
    rule: "few rows in no order of time are read by pages before they are cut",
    ...on("burst, dense, oldest, 3 a page, ties turn"),
    isProven: true
  },
  {
    rule: "what cannot be read again in full is cut",
    ...on("apart, walk, created, 3 a page", { kind: "leaves", row: 3, after: 1 }),
    isProven: true
  },
  {
    rule: "no limit is lower than a page",
    ...on("tied, pages, scrambled, 3 a page, known as other, depth empty 1"),
    isProven: true,
    requests: 36
  },
  {
    rule: "a part holds as many as the whole where no row was seen elsewhere",
    ...on("apart, cut, oldest, 3 a page"),
    isProven: true,
    requests: 15
  },
  {
    rule: "halves are not counted where a page would hold all",
    ...on("tied, pages, created, 3 a page, known as other, results error 3"),
    isProven: true,
    requests: 10
  }
]

const burstAtEnd = [10, 20, 30, 50, 50.003, 50.006, 50.009, 50.012, 50.014, 50.015]

const besideEdge = hourOf([-0.02, 10, 20, 30], { size: 6 })

const atEdge = hourOf([0, 10, 20, 30], { size: 6 })

const ends: ReadonlyArray<Rule> = [
  {
    rule: "the newest row comes back",
    ...on("long, pages, newest, 4 a page, results last 4")
  },
  {
    rule: "the oldest row comes back",
    ...on("tied, pages, newest, 3 a page, results first 4")
  },
  {
    rule: "a row at an end that does not come back is no proof",
    ...on("burst, cut, newest, 3 a page, known as start", { kind: "byCreation", from: 7, to: 24 }),
    isProven: false
  },
  {
    rule: "rows from elsewhere at an end are no proof",
    ...on("tied, pages, newest, 3 a page, known as start, exclusive, yields", { kind: "unbounded", from: 4, to: 5 }),
    isProven: false
  },
  {
    rule: "behind a full page the row may be on the next",
    ...on("burst, pages, oldest, 3 a page, ties turn"),
    isProven: true
  },
  {
    rule: "it comes back for its own second there",
    ...on(
      "burst, walk, scrambled, 3 a page, known as other, exclusive, yields",
      hides(5, 4, forever, 2),
      hides(4, 13, 13),
      hides(6, 1, 20)
    ),
    isProven: false
  },
  {
    rule: "newest first, nothing lies behind a full page at the newer end",
    shape: hourOf(burstAtEnd, { size: 3 }, { known: { order: "start", differs: false } }),
    events: [],
    isProven: true,
    requests: 48
  },
  {
    rule: "rows that start together show no order",
    ...on("burst, pages, oldest, 3 a page, ties turn"),
    isProven: true
  },
  {
    rule: "a limit may be as low as the fullest window",
    ...on("long, walk, newest, 4 a page, results error 7", hides(9, 7, 7))
  },
  {
    rule: "no limit cuts what is smaller than the fullest window",
    ...on("apart, cut, newest, 2 a page, results empty 3"),
    isProven: true,
    requests: 29
  },
  {
    rule: "a row from beyond the newer end shows that nothing is cut off there",
    ...on("long, pages, newest, 4 a page, results first 4"),
    isProven: true,
    requests: 16
  },
  {
    rule: "the row at which the range was cut shows it for the older end",
    ...on("long, pages, newest, 4 a page, results first 5"),
    isProven: true,
    requests: 14
  },
  {
    rule: "so does a row from beyond it",
    shape: besideEdge,
    events: [],
    isProven: true,
    requests: 2
  },
  {
    rule: "so does a known row with which the range begins",
    shape: { ...atEdge, rows: atEdge.rows.slice(1) },
    events: [],
    isProven: true,
    requests: 2
  }
]

const besideSeconds = hourOf(
  [-0.6, 2.1, 2.1, 2.6, 2.7, 3.6].map((at) => at / 60),
  {
    size: 2,
    results: { most: 4, cut: "empty" }
  }
)

const nothing: ReadonlyArray<Rule> = [
  {
    rule: "what the look at neighbours lists is in no empty range",
    shape: {
      ...besideSeconds,
      range: { from: besideSeconds.range.from, to: besideSeconds.range.from + 3_000_000 },
      rows: besideSeconds.rows.slice(1, -1)
    },
    events: [hides(1, 7, 10)]
  }
]

export const rules: ReadonlyArray<Rule> = [...counts, ...again, ...limits, ...ends, ...nothing]
