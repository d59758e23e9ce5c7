//! The names that most pages of objects use.

pub use leptos::{prelude::*, task::spawn_local};
pub use leptos_router::hooks::use_query_map;
pub use model::{
    events::{Event, Topic},
    page::Page,
};

pub use super::require_role::{administrator_page, require_administrator};
pub(crate) use crate::{
    bind,
    components::{
        badge::{Tone, ago, badge, when},
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Bound, Choice, Entry, Field, FormState},
        form_values::form_values,
        host::host,
        icon::icon,
        list::{Filter, Filters, address, changed_address, list_keys, url_query},
        list_page::{
            ListPage, ListState, Search, format_count, list_page, list_view, paged, whole,
        },
        live_resource::{LiveResource, live_resource},
        object_form::{
            CreateForm, Saved, SettingsForm, create_form, save, save_call, settings_form,
        },
        page::{
            Copy, PageHead, Pager, empty, list_skeleton, main_link, object_page, object_skeleton,
            usage_bar,
        },
        table::{
            Column, Rows, age_link, badge_column, column, error_note, live_column, main_column,
            muted, row_link, select_box, table, table_with, text, text_id, toggle,
        },
        toast::Toasts,
    },
    erase::{Erase, act, reactive},
    server_fns::{self, Failure},
    session::Session,
};
