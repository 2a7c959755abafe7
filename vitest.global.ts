/** Runs once, before and after all tests. */
import * as TestHome from "./packages/node/test/TestHome.ts"

export default () => TestHome.make().remove
