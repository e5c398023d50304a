// Everything that a page is drawn with, in one import.

import htm from "../../vendor/htm/htm.js";
import { Fragment, createContext, h, render } from "../../vendor/preact/preact.js";

export { Fragment, createContext, h, render };
export {
  useCallback,
  useContext,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useReducer,
  useRef,
  useState,
} from "../../vendor/preact/hooks.js";

/** Markup as a tagged template. What is put into it is text or components, never markup. */
export const html = htm.bind(h);

/** Class names from strings and falsy values. */
export const classes = (...names) => names.filter(Boolean).join(" ");
