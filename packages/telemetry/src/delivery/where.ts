import { nearestName, type RuntimeEvent, SandglassError } from "@sandglass/protocol";
import jsep from "jsep";

type Evaluate = (event: RuntimeEvent) => unknown;

const MAX_LENGTH = 2000;
/** Each may look through a text of megabytes, for every event. */
const MAX_CALLS = 10;
const FIELDS = [
  "id",
  "seq",
  "timestamp",
  "type",
  "level",
  "orgId",
  "sandboxId",
  "runId",
  "traceId",
  "spanId",
  "parentSpanId",
  "data",
];

const BINARY: Readonly<Record<string, (left: unknown, right: unknown) => unknown>> = {
  "==": (left, right) => left === right,
  "===": (left, right) => left === right,
  "!=": (left, right) => left !== right,
  "!==": (left, right) => left !== right,
  "<": (left, right) => compare(left, right, (order) => order < 0),
  "<=": (left, right) => compare(left, right, (order) => order <= 0),
  ">": (left, right) => compare(left, right, (order) => order > 0),
  ">=": (left, right) => compare(left, right, (order) => order >= 0),
  "+": (left, right) => toNumber(left) + toNumber(right),
  "-": (left, right) => toNumber(left) - toNumber(right),
  "*": (left, right) => toNumber(left) * toNumber(right),
  "/": (left, right) => toNumber(left) / toNumber(right),
  "%": (left, right) => toNumber(left) % toNumber(right),
};

/** Of texts, and `includes` of lists too. */
const METHODS: Readonly<Record<string, (subject: unknown, argument: unknown) => boolean>> = {
  startsWith: (subject, argument) => typeof subject === "string" && subject.startsWith(String(argument)),
  endsWith: (subject, argument) => typeof subject === "string" && subject.endsWith(String(argument)),
  includes: (subject, argument) =>
    Array.isArray(subject)
      ? subject.includes(argument)
      : typeof subject === "string" && subject.includes(String(argument)),
};

/**
 * Compiles the expression of a filter in JSON, where functions cannot be: an event's fields, comparisons, `&& || !`,
 * arithmetic, lists, and `startsWith`, `endsWith`, `includes`. It is parsed by jsep and walked here: nothing of it is ever code.
 * A field that an event does not have is undefined; comparing it is false, `!=` is true. `==` does not convert.
 *
 * @throws SandglassError INVALID_REQUEST saying what is wrong
 * @example compileWhere('data.exitCode != 0 && type == "exec.completed"')
 */
export function compileWhere(expression: string): (event: RuntimeEvent) => boolean {
  if (expression.length > MAX_LENGTH) throw wrong(`is longer than ${MAX_LENGTH} characters`);
  let parsed: jsep.Expression;
  try {
    parsed = jsep(expression);
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`);
  }
  const calls = expression.split("(").length - 1;
  if (calls > MAX_CALLS) throw wrong(`has more than ${MAX_CALLS} calls and brackets`);
  const evaluate = compile(parsed);
  return (event) => Boolean(evaluate(event));
}

function compile(node: jsep.Expression): Evaluate {
  switch (node.type) {
    case "Literal":
      return constant((node as jsep.Literal).value);
    case "Identifier":
      return compileField((node as jsep.Identifier).name);
    case "MemberExpression":
      return compileMember(node as jsep.MemberExpression);
    case "ArrayExpression": {
      const parts = (node as jsep.ArrayExpression).elements.map((part) =>
        part === null ? constant(undefined) : compile(part),
      );
      return (event) => parts.map((part) => part(event));
    }
    case "UnaryExpression":
      return compileUnary(node as jsep.UnaryExpression);
    case "BinaryExpression":
    case "LogicalExpression":
      return compileBinary(node as jsep.BinaryExpression);
    case "ConditionalExpression": {
      const { test, consequent, alternate } = node as jsep.ConditionalExpression;
      const [ask, yes, no] = [compile(test), compile(consequent), compile(alternate)];
      return (event) => (ask(event) ? yes(event) : no(event));
    }
    case "CallExpression":
      return compileCall(node as jsep.CallExpression);
    case "Compound":
      throw wrong("holds more than one expression");
    default:
      throw wrong(`holds a ${node.type}, which is not supported`);
  }
}

function compileField(name: string): Evaluate {
  if (name === "undefined") return constant(undefined);
  if (!FIELDS.includes(name)) {
    const nearest = nearestName(name, FIELDS);
    throw wrong(
      `names "${name}", which no event has; ${nearest === undefined ? `events have ${FIELDS.join(", ")}` : `did you mean "${nearest}"?`}`,
    );
  }
  return (event) => event[name as keyof RuntimeEvent];
}

function compileMember({ object, property, computed }: jsep.MemberExpression): Evaluate {
  const of = compile(object);
  const key = computed ? compile(property) : constant((property as jsep.Identifier).name);
  return (event) => {
    const subject = of(event);
    const name = String(key(event));
    if (typeof subject === "string" || Array.isArray(subject)) {
      return name === "length" ? subject.length : subject[Number(name)];
    }
    // Own properties only: nothing of what every object has is a field of an event.
    const isThere = typeof subject === "object" && subject !== null && Object.hasOwn(subject, name);
    return isThere ? (subject as Record<string, unknown>)[name] : undefined;
  };
}

function compileUnary({ operator, argument }: jsep.UnaryExpression): Evaluate {
  const of = compile(argument);
  if (operator === "!") return (event) => !of(event);
  if (operator === "-") return (event) => -toNumber(of(event));
  throw wrong(`has the operator "${operator}", which is not supported`);
}

function compileBinary({ operator, left, right }: jsep.BinaryExpression): Evaluate {
  const [of, and] = [compile(left), compile(right)];
  if (operator === "&&") return (event) => of(event) && and(event);
  if (operator === "||") return (event) => of(event) || and(event);
  const apply = Object.hasOwn(BINARY, operator) ? BINARY[operator] : undefined;
  if (apply === undefined) throw wrong(`has the operator "${operator}", which is not supported`);
  return (event) => apply(of(event), and(event));
}

function compileCall({ callee, arguments: given }: jsep.CallExpression): Evaluate {
  const { object, property, computed } = callee as jsep.MemberExpression;
  const name = callee.type === "MemberExpression" && !computed ? (property as jsep.Identifier).name : "";
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  const [argument] = given;
  if (method === undefined || argument === undefined || given.length !== 1) {
    throw wrong(`may call only ${Object.keys(METHODS).join(", ")} of a text or list, with one argument`);
  }
  const [of, to] = [compile(object), compile(argument)];
  return (event) => method(of(event), to(event));
}

function constant(value: unknown): Evaluate {
  return () => value;
}

/** Two numbers or two texts; anything else has no order. */
function compare(left: unknown, right: unknown, holds: (order: number) => boolean): boolean {
  if (typeof left === "number" && typeof right === "number") return holds(left - right);
  if (typeof left !== "string" || typeof right !== "string") return false;
  return holds(left < right ? -1 : left > right ? 1 : 0);
}

function toNumber(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

function wrong(problem: string): SandglassError {
  return new SandglassError("INVALID_REQUEST", `the filter's "where" ${problem}`, {
    hint: 'write it like: data.exitCode != 0 && type == "exec.completed"',
  });
}
