import * as z from "zod";
import { parseEgressRule } from "../egress-rule.ts";
import { strictObject } from "./strict-object.ts";

const MAX_RULES = 1000;
/** A name has 253 characters at most; its letters of other scripts are fewer. */
const MAX_RULE_LENGTH = 300;

const rule = z
  .string()
  .max(MAX_RULE_LENGTH)
  .superRefine((text, context) => {
    try {
      parseEgressRule(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  });
const rules = z.array(rule).max(MAX_RULES);

export const EgressOptions = strictObject({
  default: z
    .enum(["deny", "allow"])
    .optional()
    .describe('What no rule speaks of. Default "deny"; "allow" is of public addresses, on ports 80 and 443.'),
  allow: rules
    .optional()
    .describe(
      "Names, `*.name`, addresses, CIDR blocks or `*`, with `:port` or `:*`, else on ports 80 and 443. Private addresses only as addresses or blocks, by keys with the scope `admin`.",
    ),
  deny: rules.optional().describe("The same forms, on all ports where none is named. Wins over `allow`."),
});

export const NetworkOptions = strictObject({
  egress: EgressOptions.optional().describe(
    "Through the proxy on 127.0.0.1:3128 inside. Default: nothing listens, and nothing is reached.",
  ),
});
