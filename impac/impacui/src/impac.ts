// The web components. Loading this module defines <impac-widget>.
import { h, render } from 'preact';

import type { Metadata } from './api';
import styles from './styles.css';
import type { OrganizationChoice } from './panel';
import { Widget } from './widget';

export { templates, show, ImpacError, type HistParameters, type Metadata, type Template, type WidgetData } from './api';
export { configure, type Config } from './config';
export { knows } from './view';
export type { OrganizationChoice } from './panel';

let sheet: CSSStyleSheet | undefined;

/**
 * <impac-widget> shows one widget. Attributes: endpoint, label, organizations (uids, separated by commas), currency,
 * metadata (JSON), api-base, and the flags editable, movable, removable. It tells its page what the reader wants by the events
 * impac-change {metadata, name}, impac-move {by}, impac-remove, and what became of it by impac-state {state} and
 * impac-error {status}. A page that handles impac-change sets metadata; without a handler (nobody calls preventDefault)
 * the element takes the settings itself.
 */
export class ImpacWidget extends HTMLElement {
  static readonly observedAttributes = ['endpoint', 'label', 'organizations', 'currency', 'metadata', 'api-base', 'editable', 'movable', 'removable'];

  #metadata: Metadata | null = null;
  #choices: OrganizationChoice[] = [];
  #session: string | null = null;
  #generation = 0;
  #scheduled = false;
  #root: ShadowRoot;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
    }
    this.#root.adoptedStyleSheets = [sheet];
  }

  connectedCallback(): void {
    this.#update();
  }

  disconnectedCallback(): void {
    // A move within the page disconnects and connects at once; only a real removal ends the widget.
    queueMicrotask(() => {
      if (!this.isConnected) render(null, this.#root);
    });
  }

  attributeChangedCallback(): void {
    this.#update();
  }

  /** The widget's parameters. They win over the attribute, and the attributes organizations and currency over both. */
  get metadata(): Metadata {
    return this.#metadata ?? {};
  }

  set metadata(m: Metadata | null) {
    this.#metadata = m;
    this.#update();
  }

  /** The organizations that the reader may choose from. */
  get organizationChoices(): OrganizationChoice[] {
    return this.#choices;
  }

  set organizationChoices(choices: OrganizationChoice[]) {
    this.#choices = choices;
    this.#update();
  }

  /** A user's session token, for pages that have no session cookie of the API's origin. */
  set session(token: string | null) {
    this.#session = token;
    this.#update();
  }

  /** Computes the figures anew. */
  refresh(): void {
    this.#generation++;
    this.#update();
  }

  #update(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.isConnected) this.#render();
    });
  }

  #render(): void {
    render(
      h(Widget, {
        host: this,
        endpoint: this.getAttribute('endpoint') ?? '',
        title: this.getAttribute('label') ?? '',
        metadata: this.#effective(),
        apiBase: this.getAttribute('api-base'),
        session: this.#session,
        organizations: this.#choices,
        editable: this.hasAttribute('editable'),
        movable: this.hasAttribute('movable'),
        removable: this.hasAttribute('removable'),
        generation: this.#generation,
        emit: (type, detail) => this.#emit(type, detail),
      }),
      this.#root,
    );
  }

  #effective(): Metadata {
    let attribute: Metadata = {};
    try {
      attribute = JSON.parse(this.getAttribute('metadata') ?? '{}') as Metadata;
    } catch {
      console.error('impac-widget: the attribute metadata is not JSON', this);
    }
    const m: Metadata = { ...attribute, ...this.#metadata };
    const organizations = this.getAttribute('organizations');
    if (organizations) m.organization_ids = organizations.split(',').map((s) => s.trim()).filter(Boolean);
    const currency = this.getAttribute('currency');
    if (currency) m.currency = currency;
    return m;
  }

  #emit(type: string, detail: unknown): void {
    const event = new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true });
    const taken = !this.dispatchEvent(event);
    if (type === 'impac-change' && !taken) {
      const { metadata, name } = detail as { metadata: Metadata; name: string };
      if (this.hasAttribute('organizations') && metadata.organization_ids) this.setAttribute('organizations', metadata.organization_ids.join(','));
      this.#metadata = { ...this.#metadata, ...metadata };
      this.setAttribute('label', name);
      this.#update();
    }
  }
}

if (!customElements.get('impac-widget')) customElements.define('impac-widget', ImpacWidget);
