/** Runs once, before and after all tests. */
import * as Bundle from "./packages/cli/test/Bundle.ts"

export default () => Bundle.makeHome().remove
