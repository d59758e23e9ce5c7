//! The names that most pages of objects use.

pub use leptos::{prelude::*, task::spawn_local};
pub use leptos_router::hooks::use_query_map;
pub use model::{
    Kind,
    events::{Event, Topic},
    page::Page,
};

pub use super::rights::{administrator, administrator_page};
pub use super::tabbed_page::{Tab, tab_links, tabbed_page};
pub(crate) use crate::{
    bind,
    components::{
        action::Action,
        badge::{Tone, ago, badge, when},
        delete_card::delete_card,
        facts::Facts,
        failure::FailureLine,
        form::{Bound, Choice, Entry, Field, FormState, Refusals, options},
        fresh::fresh,
        host::host,
        icon::icon,
        list::{Filter, Filters, address, list_keys},
        live_resource::{LiveResource, live_resource, live_resource_within},
        object_form::{
            Saved, create_form, form_page, prerequisite, preselected, save, save_call,
            settings_form,
        },
        page::{
            Copy, PageHead, Pager, Tabs, empty, list_skeleton, main_link, object_page,
            object_skeleton, place, usage_bar,
        },
        panel::{card, group, panel, panel_class, panels, tight_card},
        table::{
            ListHead, RowLink, Rows, badge_column, column, count, list_page, muted, table, text,
        },
        tick::Tick,
        toast::Toasts,
    },
    erase::{Erase, act, reactive, reactive_if, reactive_option},
    server_fns::{self, Failure},
    session::Session,
};
