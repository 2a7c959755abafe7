/** Windows of a few rows: what they hold, on which server, and how they are read. */
import type { Known } from "../../src/history/internal/Known.ts"
import type { Limit, Row, Traits } from "./SmallServer.ts"
import { began } from "./SmallServer.ts"

const second = 1_000_000
const hour = 3600 * second
const day = 24 * hour

/** A window, its server, and what its reader knows when it begins. */
export interface Shape {
  readonly name: string
  readonly range: { readonly from: number; readonly to: number }
  /** Ascending. The first one is older than the window, the last one newer: these two are known. */
  readonly rows: ReadonlyArray<Row>
  readonly traits: Traits
  /** Pages that overlap at most: a window with more is walked down by start. */
  readonly mostOverlapping: number
  readonly maxCharacters: number
  readonly perWindow: number
  readonly expected: number
  readonly counted: boolean
  readonly known: Pick<Known, "order" | "differs"> & Partial<Pick<Known, "whole">>
  /** One window alone, or two of a whole range with its ending. */
  readonly reads: "window" | "range"
  readonly concurrency: number
}

/** Where the rows of a window start, as parts of its length. */
const layouts = {
  apart: [0.1, 0.25, 0.4, 0.55, 0.7],
  /** Two start together, and two in one second. */
  tied: [0.1, 0.4, 0.4, 0.7, 0.7 + 0.5 / 3600],
  /** So many that some may leave, others come, and one is there throughout. */
  long: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  /** The same, of which one was created much earlier than its neighbours: a walk by start may pass it by. */
  passed: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
  /** Pages large enough to overlap by two rows, and three that start together where they do. */
  crossing: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9],
  /** Those of a campaign are created together, and start one after another. */
  campaign: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9],
  /** More in one second than a page holds. */
  burst: [0.2, 0.5, 0.5, 0.5, 0.5, 0.8]
} as const

type Layout = keyof typeof layouts

/** Some were created long before the others, so that the order of creation is another one. */
const rowsOf = (layout: Layout, { from, to }: Shape["range"]): ReadonlyArray<Row> => {
  const length = to - from
  const starts = [-0.2, ...layouts[layout], 1.2].map((part) => from + Math.round(part * length))
  const isLate = (i: number) => (layout === "passed" ? i === 6 : i % 2 === 1)
  const ago = (layout === "passed" ? 0.35 : 2) * length
  const createdOf = (start: number, i: number): number =>
    layout === "campaign" ? (starts[4 * Math.floor(i / 4)] ?? start) : isLate(i) ? start - ago : start
  return starts.map((start, i) => ({ id: `row-${i}`, start, created: createdOf(start, i) }))
}

const narrow = { from: began - 10 * hour, to: began - 9 * hour }
const wide = { from: began - 20 * day, to: began - 10 * day }

const quiet: Traits = { size: 2, order: "newest", ties: "stable", inclusive: true, beyond: "empty", yields: false }

type Way = "pages" | "walk" | "known walk" | "dense" | "cut"

/** Settings with which a window of a few rows is read in this way. */
const ways: Readonly<
  Record<Way, Pick<Shape, "mostOverlapping" | "maxCharacters" | "perWindow" | "expected" | "counted">>
> = {
  pages: { mostOverlapping: 12, maxCharacters: Infinity, perWindow: 20, expected: 5, counted: false },
  walk: { mostOverlapping: 1, maxCharacters: Infinity, perWindow: 20, expected: 5, counted: false },
  "known walk": { mostOverlapping: 1, maxCharacters: Infinity, perWindow: 20, expected: 5, counted: true },
  /** As if there were too many rows for a window. */
  dense: { mostOverlapping: 1, maxCharacters: 3500, perWindow: 20, expected: 5, counted: false },
  cut: { mostOverlapping: 1, maxCharacters: Infinity, perWindow: 2, expected: 5, counted: false }
}

interface Choice {
  readonly layout: Layout
  readonly way: Way
  readonly traits?: Partial<Traits>
  readonly order?: Known["order"]
  readonly differs?: boolean
  readonly range?: Shape["range"]
  readonly reads?: Shape["reads"]
  readonly concurrency?: number
}

/** A window of an hour whose rows start at these minutes, and were created as many minutes earlier as is said. */
export const hourOf = (
  minutes: ReadonlyArray<number | { readonly at: number; readonly early: number }>,
  traits: Partial<Traits>,
  rest: Partial<Shape> = {}
): Shape => ({
  name: "an hour",
  range: narrow,
  rows: [-12, ...minutes, 72].map((one, i) => {
    const { at, early } = typeof one === "number" ? { at: one, early: 0 } : one
    const start = narrow.from + Math.round(60 * at * second)
    return { id: `row-${i}`, start, created: start - 60 * early * second }
  }),
  traits: { ...quiet, ...traits },
  known: { order: "unknown", differs: false },
  reads: "window",
  concurrency: 1,
  ...ways.pages,
  ...rest
})

const limitOf = ({ cut, most }: Limit): string => `${cut} ${most}`

const make = (choice: Choice): Shape => {
  const { concurrency = 1, differs = false, layout, order = "unknown", range = narrow, reads = "window", way } = choice
  // Where rows start together, a page of two brings nothing new beyond them.
  const traits = { ...quiet, size: layout === "apart" ? 2 : 3, ...choice.traits }
  const { beyond, depth, inclusive, results, size, span, ties, yields } = traits
  const parts = [
    layout,
    way,
    traits.order,
    `${size} a page`,
    ...(order === "unknown" ? [] : [`known as ${order}`]),
    ...(differs ? ["differs"] : []),
    ...(ties === "stable" ? [] : [`ties ${ties === "turning" ? "turn" : "circle"}`]),
    ...(inclusive ? [] : ["exclusive"]),
    ...(beyond === "empty" ? [] : [`${beyond} beyond`]),
    ...(yields ? ["yields"] : []),
    ...(results === undefined ? [] : [`results ${limitOf(results)}`]),
    ...(depth === undefined ? [] : [`depth ${limitOf(depth)}`]),
    ...(span === undefined ? [] : [`span ${span.cut}`]),
    ...(range === wide ? ["wide"] : []),
    ...(reads === "range" ? [`range, ${concurrency} at once`] : [])
  ]
  return {
    name: parts.join(", "),
    range,
    rows: rowsOf(layout, range),
    traits,
    known: { order, differs },
    reads,
    concurrency,
    ...ways[way]
  }
}

const layoutNames: ReadonlyArray<Layout> = ["apart", "tied", "burst"]
const wayNames: ReadonlyArray<Way> = ["pages", "walk", "known walk", "dense", "cut"]
const cuts = ["last", "first", "empty", "error"] as const

/** What moves, on servers that show all that they have. */
const moving = (): ReadonlyArray<Choice> =>
  layoutNames.flatMap((layout) =>
    wayNames.flatMap((way) =>
      (["newest", "oldest", "created", "scrambled"] as const).flatMap((order) =>
        (order === "newest" ? (["unknown", "start"] as const) : (["unknown", "other"] as const)).flatMap((known) => {
          // Without a count before it, a walk is for an order that is known.
          if (way === "known walk" && known !== "start") return []
          const isTied = layout !== "apart"
          const base: Choice = { layout, way, order: known, traits: { order } }
          const of = (traits: Partial<Traits>, rest: Partial<Choice> = {}): Choice => ({
            ...base,
            ...rest,
            traits: { order, ...traits }
          })
          return [
            base,
            ...(isTied ? [] : [of({ size: 3 })]),
            of({ inclusive: false, yields: true }),
            of({}, { differs: true }),
            ...(isTied ? [of({ ties: "turning" }), of({ ties: "circling" })] : []),
            ...(way === "pages" ? [of({ size: 1 }), of({ beyond: "last" }), of({ beyond: "first" })] : [])
          ]
        })
      )
    )
  )

/** Two rows that leave between two pages are two places by which all others move up. */
const longs = (): ReadonlyArray<Choice> =>
  (["pages", "walk", "known walk"] as const).flatMap((way) =>
    (["newest", "oldest", "created", "scrambled"] as const).flatMap((order): ReadonlyArray<Choice> => {
      const one = (rest: Partial<Choice>): Choice => ({ layout: "long", way, traits: { order, size: 4 }, ...rest })
      if (way === "known walk") return order === "newest" ? [one({ order: "start" })] : []
      return [one({}), one({ differs: true }), one({ order: order === "newest" ? "start" : "other" })]
    })
  )

/** Rows that start together change places where two pages meet, and one that leaves keeps the count right. */
const crossings = (): ReadonlyArray<Choice> =>
  [6, 7, 8].flatMap((size): ReadonlyArray<Choice> => {
    const of = (layout: Layout, order: Traits["order"], ties: Traits["ties"]): Choice => ({
      layout,
      way: "pages",
      traits: { order, size, ties }
    })
    return [
      of("crossing", "newest", "turning"),
      of("crossing", "oldest", "turning"),
      of("campaign", "created", "turning"),
      of("campaign", "created", "circling")
    ]
  })

/** A walk that passes a row by is held against counts alone. */
const passed = (): ReadonlyArray<Choice> =>
  [3, 4].map((size) => ({ layout: "passed", way: "walk", traits: { order: "created", size } }))

/** Limits, of which a part is never shown. None on results is lower than a page. */
const limits = (): ReadonlyArray<Choice> =>
  (["apart", "tied"] as const).flatMap((layout) =>
    (["pages", "walk", "cut"] as const).flatMap((way) =>
      (["newest", "created", "oldest", "scrambled"] as const).flatMap((by) =>
        cuts.flatMap((cut): ReadonlyArray<Choice> => {
          const order = by === "newest" ? "unknown" : "other"
          const results = layout === "tied" ? [3, 4] : [2, 3, 4]
          return [
            ...results.map((most) => ({ layout, way, order, traits: { order: by, results: { most, cut } } }) as const),
            // The row behind two that start together may be on the next page.
            ...(layout === "tied" && (cut === "first" || cut === "last") ? [3, 4] : []).map(
              (most) => ({ layout, way, traits: { order: by, size: 2, results: { most, cut } } }) as const
            ),
            ...[1, 2].map((most) => ({ layout, way, order, traits: { order: by, depth: { most, cut } } }) as const)
          ]
        })
      )
    )
  )

/** The same where pages overlap up to where the limit cuts. */
const longLimits = (): ReadonlyArray<Choice> =>
  (["pages", "walk"] as const).flatMap((way) =>
    (["newest", "created", "oldest", "scrambled"] as const).flatMap((by) =>
      cuts.flatMap((cut) =>
        [4, 5, 6, 7, 8].flatMap((most): ReadonlyArray<Choice> => {
          const one = { layout: "long", way, order: by === "newest" ? "unknown" : "other" } as const
          return [
            { ...one, traits: { order: by, size: 4, results: { most, cut } } },
            ...(most > 6 ? [] : [{ ...one, traits: { order: by, size: 4, depth: { most: most - 3, cut } } }])
          ]
        })
      )
    )
  )

/** Windows of days. */
const wides = (): ReadonlyArray<Choice> =>
  (["pages", "walk"] as const).flatMap((way) => [
    { layout: "apart", way, range: wide },
    ...cuts.flatMap((cut) =>
      [3 * day, 7 * day].flatMap((most): ReadonlyArray<Choice> =>
        (["newest", "created"] as const).map((order) => ({
          layout: "apart",
          way,
          range: wide,
          traits: { order, span: { most, cut } }
        }))
      )
    )
  ])

/** Two windows, and what is held against each other at the end. */
const ranges = (): ReadonlyArray<Choice> =>
  layoutNames.flatMap((layout) =>
    (["pages", "walk", "known walk"] as const).flatMap((way) =>
      [1, 2].flatMap((concurrency) =>
        (["newest", "created"] as const).flatMap((order): ReadonlyArray<Choice> =>
          way === "known walk" && order === "created"
            ? []
            : [
                {
                  layout,
                  way,
                  order: way === "known walk" ? "start" : "unknown",
                  traits: { order, yields: concurrency > 1 },
                  reads: "range",
                  concurrency
                }
              ]
        )
      )
    )
  )

const choices = [
  ...moving(),
  ...longs(),
  ...crossings(),
  ...passed(),
  ...limits(),
  ...longLimits(),
  ...wides(),
  ...ranges()
].map(make)

/** By their names: some choices come to the same. */
export const shapes: ReadonlyMap<string, Shape> = new Map(choices.map((shape) => [shape.name, shape]))
